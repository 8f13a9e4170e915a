import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  duration,
  formatAddress,
  isLoopback,
  parseAddress,
  size,
  url,
} from "../../common/config/fields.ts";
import { nearest } from "../../common/config/suggest.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../common/config/units.ts";

test.each([
  ["100ms", 100],
  ["0ms", 0],
  ["1s", 1000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  [0, 0],
  [250, 250],
])("%s is a duration of %i ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each([
  ["512B", 512],
  ["8KiB", 8192],
  ["1MiB", 1_048_576],
  ["3GiB", 3_221_225_472],
  [0, 0],
  [65_536, 65_536],
])("%s is a size of %i bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

const neither: unknown[] = [
  "",
  "1",
  "s",
  "1 s",
  " 1s",
  "1s\n",
  "-1s",
  "+1s",
  "1.5s",
  "1e3ms",
  "0x10ms",
  "1_000ms",
  "１s",
  "1min",
  "1S",
  "1m30s",
  "9007199254740992ms",
  "999999999999999d",
  "1kB",
  "1KB",
  "1kib",
  "1TiB",
  "1024GiB1",
  "999999999999999GiB",
  -1,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  null,
  undefined,
  true,
  5n,
  [],
  ["1s"],
  {},
];

test.each(neither.map((value) => [value]))("%o is neither a duration nor a size", (value) => {
  expect(parseDuration(value)).toBeUndefined();
  expect(parseSize(value)).toBeUndefined();
});

const amount = fc.oneof(fc.nat(10_000), fc.nat(999_999_999_999_999));

test("every duration and size is written as it is read, and in its largest unit", () => {
  fc.assert(
    fc.property(amount, (value) => {
      expect(parseDuration(formatDuration(value))).toBe(value);
      expect(parseSize(formatSize(value))).toBe(value);
    }),
  );
  expect([0, 999, 1000, 61_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
    "0ms",
    "999ms",
    "1s",
    "61s",
    "1h",
    "1d",
  ]);
  expect([0, 1023, 1024, 1025, 2 ** 20, 5 * 2 ** 30].map(formatSize)).toEqual([
    "0B",
    "1023B",
    "1KiB",
    "1025B",
    "1MiB",
    "5GiB",
  ]);
});

test("a quantity is its number times its unit, or nothing", () => {
  const units = fc.constantFrom(
    ...([
      ["ms", 1],
      ["s", 1e3],
      ["m", 6e4],
      ["h", 3.6e6],
      ["d", 8.64e7],
    ] as const),
  );
  fc.assert(
    fc.property(fc.nat(999_999_999), units, (number, [unit, factor]) => {
      const expected = Number.isSafeInteger(number * factor) ? number * factor : undefined;
      expect(parseDuration(`${number}${unit}`)).toBe(expected);
    }),
  );
});

test("bounds are told in the units of people", () => {
  const schema = z.object({
    age: duration({ min: 1000, max: 86_400_000 }),
    room: size({ min: 1024, max: 2 ** 32 }),
  });
  expect(schema.parse({ age: "1s", room: "4GiB" })).toEqual({ age: 1000, room: 2 ** 32 });
  const refused = schema.safeParse({ age: "999ms", room: "5GiB" });
  expect(refused.error?.issues.map(({ message }) => message)).toEqual([
    "must be from 1s to 1d",
    "must be from 1KiB to 4GiB",
  ]);
});

test.each([
  ["127.0.0.1:7764", { host: "127.0.0.1", port: 7764 }],
  ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
  ["[::]:65535", { host: "::", port: 65_535 }],
  ["[fd00::7]:1", { host: "fd00::7", port: 1 }],
])("%s is an address and is written as it is read", (text, expected) => {
  expect(parseAddress(text)).toEqual(expected);
  expect(formatAddress(expected)).toBe(text);
});

test.each([
  "",
  "127.0.0.1",
  ":7764",
  "127.0.0.1:65536",
  "127.0.0.1:-1",
  "127.0.0.1:",
  "256.0.0.1:1",
  "127.1:1",
  "::1:7764",
  "[127.0.0.1]:1",
  "[::1]",
  "[::1%eth0]:1",
  "localhost:7764",
  "127.0.0.1:7764\n",
  "http://127.0.0.1:7764",
])("%j is no address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test.each([
  ["127.0.0.1", true],
  ["127.255.1.2", true],
  ["::1", true],
  ["[::1]", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["128.0.0.1", false],
  ["127.0.0.1.example", false],
  ["localhost.example", false],
  ["", false],
])("%s is this machine itself: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each([
  ["https://gateway:7765/push", undefined],
  ["http://127.0.0.1", undefined],
  ["ftp://gateway/", "must be an http or https URL"],
  ["gateway:7765", "must be an http or https URL"],
  ["", "must be an http or https URL"],
  ["https://", "must be an http or https URL"],
  ["https://user@gateway/", "must not hold a user name or password"],
  ["https://:secret@gateway/", "must not hold a user name or password"],
  ["https://gateway/?key=secret", "must not hold a query or fragment"],
  ["https://gateway/#secret", "must not hold a query or fragment"],
])("URL %j: %s", (text, problem) => {
  const issues = url().safeParse(text).error?.issues ?? [];
  expect(issues.map(({ message }) => message)).toEqual(problem === undefined ? [] : [problem]);
});

const names = ["fetch_chunk_size", "fetch_interval", "buffer_size", "push", "max_age"];

test.each([
  ["fetch_chunksize", "fetch_chunk_size"],
  ["fetchInterval", "fetch_interval"],
  ["BUFFER-SIZE", "buffer_size"],
  ["bufer_size", "buffer_size"],
  ["max_gae", "max_age"],
  ["pish", "push"],
  ["something_else_entirely", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
])("for %s the nearest is %s", (typed, expected) => {
  expect(nearest(typed, names)).toBe(expected);
  expect(nearest(typed, [])).toBeUndefined();
});
