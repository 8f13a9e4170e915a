import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../common/config/load.ts";
import { ConfigError } from "../../common/errors.ts";
import { parseKeyFile } from "../../common/apiKeys/keyFile.ts";
import { KeyTable } from "../../gateway/api/keys.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { startTestGateway, type TestGateway } from "./helpers/gateway.ts";

const key = "0123456789abcdefghijkl";

describe("the API keys' file", () => {
  test("names keys, or numbers them by line", () => {
    expect(parseKeyFile(`# comment\n\n${key}\r\n  app   ${key}x \n`)).toEqual([
      { name: "key-3", key },
      { name: "app", key: `${key}x` },
    ]);
  });

  test("gives a key limits and an end, in the config's units", () => {
    const options =
      "requests_per_second=10 burst=20 bytes_per_second=64KiB daily_bytes=1GiB expires=2027-01-01T00:00:00+01:00";
    expect(parseKeyFile(`app ${key} ${options}`)).toEqual([
      {
        name: "app",
        key,
        requests_per_second: 10,
        burst: 20,
        bytes_per_second: 65_536,
        daily_bytes: 2 ** 30,
        expires: Date.UTC(2026, 11, 31, 23),
      },
    ]);
  });

  test.each([
    ["a key that can be guessed", key.slice(1)],
    ["three words", `a b ${key}`],
    ["a name that is none", `-a ${key}`],
    ["a broken digest", "app sha256:00"],
    ["control characters", `app ${key}\u0007`],
    ["a key that is cut in two", `app ${key} ${key}=`],
  ])("refuses %s by its line, without quoting it", (_what, line) => {
    const parse = (): unknown => parseKeyFile(`# first\n${line}`);
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(/line 2/);
    expect(parse).not.toThrow(new RegExp(key.slice(1)));
  });

  test.each([
    [`app ${key} daily_byte=1GiB`, "line 1: unknown option; did you mean daily_bytes?"],
    [`app ${key} expiry=2027-01-01T00:00:00Z`, "did you mean expires?"],
    [`app ${key} colour=blue`, "known are requests_per_second, burst"],
    [`app ${key} burst=0`, "line 1: burst: must be at least 1"],
    [`app ${key} burst=ten`, "line 1: burst: "],
    [`app ${key} daily_bytes=1GB`, "line 1: daily_bytes: must be a size"],
    [`app ${key} expires=2027-02-30T00:00:00Z`, "line 1: expires: must be a time"],
    [`app ${key} expires=2027-01-01`, "line 1: expires: must be a time"],
    [`app ${key} burst=1 burst=2`, "line 1: burst: written twice"],
    [`${key} requests_per_second=10`, "line 1: options go behind a name and a key"],
    [`${key} request_per_second=1000`, "line 1: options go behind a name and a key"],
  ])("%s", (line, problem) => expect(() => parseKeyFile(line)).toThrow(problem));
});

test("a config lists keys with the same options, and names the nearest to a wrong one", () => {
  const parse = (entry: string) =>
    parseConfig(
      gatewayConfig,
      `hmac_secret_key: ${"5a".repeat(32)}\napi_keys:\n${entry}`,
      "x.yaml",
    );
  const right = `  - ${key}\n  - name: app\n    key: ${key}x\n    daily_bytes: 1MiB\n    expires: 2027-01-01T00:00:00Z`;
  expect(parse(right).api_keys).toEqual([
    { key },
    { name: "app", key: `${key}x`, daily_bytes: 2 ** 20, expires: Date.UTC(2027) },
  ]);
  const wrong = `  - name: app\n    key: ${key}\n    daily_byte: 1MiB`;
  expect(() => parse(wrong)).toThrow(
    "x.yaml:5: api_keys[0].daily_byte: unknown key; did you mean daily_bytes?",
  );
});

const config = {
  max_request_bytes: 10,
  rate_limit: { requests_per_second: 10, burst: 20, bytes_per_second: 100 },
};

describe("the keys", () => {
  test("refuse one key or one name twice, also where one is given as its digest, and no key at all", () => {
    const sha256 = `sha256:${createHash("sha256").update(key).digest("hex")}`;
    const table = new KeyTable(config, { clock: new ManualClock() });
    const replace =
      (...entries: { name: string; key: string }[]) =>
      (): unknown =>
        table.replace(entries);
    expect(replace({ name: "a", key }, { name: "b", key: sha256 })).toThrow(/b is the same/);
    expect(replace({ name: "a", key }, { name: "a", key: `${key}x` })).toThrow(/two are named a/);
    expect(replace()).toThrow(/none is given/);
  });

  test("keep what they have used up when their names and limits change", () => {
    const clock = new ManualClock();
    const table = new KeyTable(config, { clock });
    const limitsOf = (entry: object) => {
      const limits = table.replace([{ name: "a", key, ...entry }]).find(key)!.limits;
      const { requests, bytes, day } = limits;
      const left = {
        requests: requests.left(clock.monotonic()),
        bytes: bytes.left(clock.monotonic()),
      };
      return { limits, left: { ...left, day: day?.left(clock.monotonic()) } };
    };
    const { limits, left } = limitsOf({ daily_bytes: 1000 });
    expect(left).toEqual({ requests: 20, bytes: 100, day: 1000 });
    void limits.requests.take(15, clock.monotonic());
    void limits.bytes.take(90, clock.monotonic());
    void limits.day?.take(90, clock.monotonic());
    expect(limitsOf({ name: "renamed", daily_bytes: 1000 }).left).toEqual({
      requests: 5,
      bytes: 10,
      day: 910,
    });
    const larger = { requests_per_second: 100, bytes_per_second: 1000, daily_bytes: 5000 };
    expect(limitsOf(larger).left).toEqual({ requests: 185, bytes: 910, day: 4910 });
    const smaller = { burst: 10, bytes_per_second: 50, daily_bytes: 50 };
    expect(limitsOf(smaller).left).toEqual({ requests: 0, bytes: 0, day: 0 });
    expect(limitsOf({ burst: 20 }).left).toEqual({ requests: 10, bytes: 50, day: undefined });
    // Who still holds the key as it was, such as a long download, is charged to the same count.
    void limits.requests.take(4, clock.monotonic());
    expect(limitsOf({ burst: 20 }).left.requests).toBe(6);
  });

  test("an entry that cannot be used changes none", () => {
    const clock = new ManualClock();
    const table = new KeyTable(config, { clock });
    const keys = table.replace([{ name: "a", key }]);
    expect(() =>
      table.replace([
        { name: "a", key, burst: 1 },
        { name: "b", key },
      ]),
    ).toThrow(ConfigError);
    expect(keys.find(key)?.limits.requests.left(clock.monotonic())).toBe(20);
  });
});

const statusOf = async (gateway: TestGateway, headers: Record<string, string>) => {
  const response = await fetch(`${gateway.api}/api/status`, { headers });
  const body = (await response.json()) as { code?: string };
  return [response.status, body.code];
};

test("a key that has expired is 403 from that moment on, an unknown one 401", async () => {
  const clock = new ManualClock(Date.UTC(2026, 11, 31));
  const api_keys = [{ name: "app", key, expires: "2027-01-01T00:00:00Z" }];
  await using gateway = await startTestGateway({ api_keys }, { clock });
  const withKey = { "x-api-key": key };
  clock.advance(86_399_999);
  expect(await statusOf(gateway, withKey)).toEqual([200, undefined]);
  clock.advance(1);
  expect(await statusOf(gateway, withKey)).toEqual([403, "ERR_KEY_EXPIRED"]);
  expect(await statusOf(gateway, { "x-api-key": `${key}x` })).toEqual([401, "ERR_KEY_UNKNOWN"]);
  expect(await statusOf(gateway, {})).toEqual([401, "ERR_KEY_MISSING"]);
});

test("limits and ends in the file apply when it changes", async () => {
  await using folder = await makeFolder();
  const file = folder.at("api-keys");
  const write = (options: string): Promise<void> =>
    writeFile(file, `app ${key} ${options}\n`, { mode: 0o600 });
  await write("requests_per_second=1 burst=3");
  const clock = new ManualClock();
  const keys = { api_keys: undefined, api_keys_file: file };
  await using gateway = await startTestGateway(keys, { clock });
  const get = () => statusOf(gateway, { "x-api-key": key });
  const reloads = (): number =>
    gateway.captured.messages().filter((message) => message === "reloaded").length;

  for (let used = 0; used < 3; used++) expect(await get()).toEqual([200, undefined]);
  expect(await get()).toEqual([429, "ERR_RATE_LIMIT"]);
  await write("requests_per_second=1 burst=5");
  await eventually(() => reloads() === 1);
  for (let used = 3; used < 5; used++) expect(await get()).toEqual([200, undefined]);
  expect(await get()).toEqual([429, "ERR_RATE_LIMIT"]);
  await write("expires=2020-01-01T00:00:00Z");
  await eventually(() => reloads() === 2);
  expect(await get()).toEqual([403, "ERR_KEY_EXPIRED"]);
});
