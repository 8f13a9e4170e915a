import fc from "fast-check";
import { expect, test } from "vitest";
import { PacketError } from "../../common/packet/packet.ts";
import { formatTimestamp, parseTimestamp } from "../../common/packet/timestamp.ts";
import { anyNanoseconds } from "./helpers/packets.ts";

const first = Date.UTC(1678, 0, 1);
const last = Date.UTC(2262, 0, 1) - 1;

test("agrees with Date on every second from 1678 to 2261, with any nanoseconds", () => {
  const millisecond = fc.integer({ min: first, max: last });
  fc.assert(
    fc.property(millisecond, fc.integer({ min: 0, max: 999_999 }), (date, nanoseconds) => {
      const text = `${new Date(date).toISOString().slice(0, -1)}${String(nanoseconds).padStart(6, "0")}Z`;
      const expected = BigInt(date) * 1_000_000n + BigInt(nanoseconds);
      expect(parseTimestamp(text)).toBe(expected);
      expect(formatTimestamp(expected)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test("agrees with Date on each day from 1678 to 2261", () => {
  for (let day = first; day <= last; day += 86_400_000) {
    const text = new Date(day).toISOString();
    if (parseTimestamp(text) !== BigInt(day) * 1_000_000n) expect.fail(text);
    if (!formatTimestamp(BigInt(day) * 1_000_000n).startsWith(text.slice(0, 23))) expect.fail(text);
  }
});

test("every signed 64-bit integer is written in 30 characters and read back", () => {
  fc.assert(
    fc.property(anyNanoseconds, (nanoseconds) => {
      const text = formatTimestamp(nanoseconds);
      expect(text.length).toBe(30);
      expect(parseTimestamp(text)).toBe(nanoseconds);
    }),
    { numRuns: 1000, examples: [[0n], [-1n], [1n], [-(2n ** 63n)], [2n ** 63n - 1n]] },
  );
});

test("0, 3, 6 and 9 decimals are one time", () => {
  const times = ["", ".000", ".000000", ".000000000"].map((decimals) =>
    parseTimestamp(`2026-02-03T04:05:06${decimals}Z`),
  );
  expect(new Set(times)).toEqual(new Set([1_770_091_506_000_000_000n]));
  expect(parseTimestamp("2026-02-03T04:05:06.120Z")).toBe(1_770_091_506_120_000_000n);
  expect(parseTimestamp("2026-02-03T04:05:06.000001Z")).toBe(1_770_091_506_000_001_000n);
});

test.each([
  ["1677-09-21T00:12:43.145224192Z", -(2n ** 63n)],
  ["2262-04-11T23:47:16.854775807Z", 2n ** 63n - 1n],
  ["1969-12-31T23:59:59.999999999Z", -1n],
  ["1970-01-01T00:00:00.000000001Z", 1n],
  ["2000-02-29T00:00:00Z", 951_782_400_000_000_000n],
  ["2024-02-29T23:59:59.999Z", 1_709_251_199_999_000_000n],
])("%s is %i", (text, nanoseconds) => {
  expect(parseTimestamp(text)).toBe(nanoseconds);
});

test.each([
  ["before the least 64-bit integer", "1677-09-21T00:12:43.145224191Z"],
  ["after the greatest 64-bit integer", "2262-04-11T23:47:16.854775808Z"],
  ["year 0", "0000-01-01T00:00:00Z"],
  ["year 9999", "9999-12-31T23:59:59Z"],
  ["a year of five digits", "12026-01-01T00:00:00Z"],
  ["29 February 2023", "2023-02-29T00:00:00Z"],
  ["29 February 1900", "1900-02-29T00:00:00Z"],
  ["29 February 2100", "2100-02-29T00:00:00Z"],
  ["30 February", "2024-02-30T00:00:00Z"],
  ["31 April", "2026-04-31T00:00:00Z"],
  ["month 0", "2026-00-01T00:00:00Z"],
  ["month 13", "2026-13-01T00:00:00Z"],
  ["day 0", "2026-01-00T00:00:00Z"],
  ["day 32", "2026-01-32T00:00:00Z"],
  ["hour 24", "2026-01-01T24:00:00Z"],
  ["minute 60", "2026-01-01T00:60:00Z"],
  ["second 60", "2026-01-01T00:00:60Z"],
  ["second 60 of a real leap second", "2016-12-31T23:59:60Z"],
  ["an offset", "2026-01-01T00:00:00+01:00"],
  ["an offset of zero", "2026-01-01T00:00:00+00:00"],
  ["no zone", "2026-01-01T00:00:00"],
  ["lower case", "2026-01-01t00:00:00z"],
  ["a space for T", "2026-01-01 00:00:00Z"],
  ["a comma", "2026-01-01T00:00:00,000Z"],
  ["1 decimal", "2026-01-01T00:00:00.1Z"],
  ["2 decimals", "2026-01-01T00:00:00.12Z"],
  ["7 decimals", "2026-01-01T00:00:00.1234567Z"],
  ["10 decimals", "2026-01-01T00:00:00.1234567890Z"],
  ["a point without decimals", "2026-01-01T00:00:00.Z"],
  ["a line end after it", "2026-01-01T00:00:00Z\n"],
  ["a space before it", " 2026-01-01T00:00:00Z"],
  ["other digits", "２０２６-01-01T00:00:00Z"],
  ["a sign", "-026-01-01T00:00:00Z"],
  ["nothing", ""],
])("%s is refused and not quoted", (_, text) => {
  const error = thrownBy(() => parseTimestamp(text));
  expect(error).toBeInstanceOf(PacketError);
  if (text !== "") expect(error.message).not.toContain(text.trim());
});

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  return expect.fail("did not throw");
}
