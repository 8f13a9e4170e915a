import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { addressGroup } from "../../gateway/api/authenticate.ts";
import { createApiKeys, parseKeyFile } from "../../gateway/api/keys.ts";
import { BoundedMap } from "../../gateway/limit/boundedMap.ts";
import { Meter } from "../../gateway/meter.ts";

const key = "0123456789abcdefghijkl";

describe("the API keys' file", () => {
  test("names keys, or numbers them by line", () => {
    expect(parseKeyFile(`# comment\n\n${key}\r\n  app   ${key}x \n`)).toEqual([
      { name: "key-3", key },
      { name: "app", key: `${key}x` },
    ]);
  });

  test.each([
    ["a key that can be guessed", key.slice(1)],
    ["three words", `a b ${key}`],
    ["a name that is none", `-a ${key}`],
    ["a broken digest", "app sha256:00"],
    ["control characters", `app ${key}\u0007`],
  ])("refuses %s by its line, without quoting it", (_what, line) => {
    const parse = (): unknown => parseKeyFile(`# first\n${line}`);
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(/line 2/);
    expect(parse).not.toThrow(new RegExp(key.slice(1)));
  });

  const limits = {
    max_request_bytes: 10,
    rate_limit: {
      requests_per_second: 1,
      burst: 1,
      bytes_per_second: 1,
      failed_keys_per_minute: 1,
    },
  };
  const fresh = { known: new Map(), now: 0 };

  test("refuses one key or one name twice, also where one is given as its digest, and no key at all", () => {
    const sha256 = `sha256:${createHash("sha256").update(key).digest("hex")}`;
    const create = (entries: { name: string; key: string }[]) => (): unknown =>
      createApiKeys(entries, limits, fresh);
    expect(
      create([
        { name: "a", key },
        { name: "b", key: sha256 },
      ]),
    ).toThrow(/b is the same/);
    expect(
      create([
        { name: "a", key },
        { name: "a", key: `${key}x` },
      ]),
    ).toThrow(/two are named a/);
    expect(create([])).toThrow(/none is given/);
  });

  test("a key that stays keeps what it has used up", () => {
    const before = createApiKeys([{ name: "a", key }], limits, fresh);
    expect(before.keys.find(key)?.requests.take(1, 0)).toBe(0);
    const known = before.byDigest;
    const after = createApiKeys([{ name: "renamed", key }], limits, { known, now: 0 });
    expect(after.keys.find(key)?.name).toBe("renamed");
    expect(after.keys.find(key)?.requests.take(1, 0)).toBeGreaterThan(0);
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::1", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
])("address %s counts as %s", (address, group) => expect(addressGroup(address)).toBe(group));

test("a bounded map forgets what was set longest ago", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3).set("c", 4);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
});

test("the meter counts the ten whole seconds before this one", () => {
  let now = 500;
  const meter = new Meter(() => now);
  for (let count = 0; count < 20; count++) meter.add(1);
  expect(meter.perSecond()).toBe(0);
  now = 1_500;
  meter.add(1);
  expect(meter.perSecond()).toBe(2);
  now = 10_999;
  expect(meter.perSecond()).toBe(2.1);
  now = 11_000;
  expect(meter.perSecond()).toBe(0.1);
  now = 1_000_000;
  expect([meter.perSecond(), meter.total()]).toEqual([0, 21]);
});
