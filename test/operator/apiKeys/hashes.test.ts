import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseKeyFile } from "../../../common/apiKeys/keyFile.ts";
import { ConfigError } from "../../../common/errors.ts";
import { ensureClientKey } from "../../../operator/apiKeys/clientKey.ts";
import { hashClientKey, hashGivenKeys } from "../../../operator/apiKeys/hashes.ts";

const key = "0123456789-abcdefghijkl";
const other = "another-0123456789-abcdef";
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const linesOf = (data: Record<string, string>) =>
  hashGivenKeys(data)["api-keys"].trim().split("\n");

test("a key is made once: 256 bits, then kept, then followed when its value is edited", () => {
  const made = ensureClientKey({}, randomBytes);
  expect(made["api-key"]).toMatch(/^[\w-]{43}$/);
  expect(ensureClientKey(made, randomBytes)).toEqual(made);
  expect(ensureClientKey({}, randomBytes)).not.toEqual(made);
  const edited = ensureClientKey({ "api-key": `${key}\n` }, randomBytes);
  expect(edited).toEqual({ "api-key": key });
  expect(hashClientKey(edited)).toEqual({ "api-keys": `default ${sha256(key)}\n` });
});

test.each(["", "short-secret", "with a blank secret in it", sha256(key)])(
  "a value that is no key is an error that says what to do (%#)",
  (value) => {
    const ensure = () => ensureClientKey({ "api-key": value }, randomBytes);
    expect(ensure).toThrow(ConfigError);
    expect(ensure).toThrow(/api-key: must be 22 to 512 visible characters; delete it/);
    if (value !== "") expect(ensure).not.toThrow(value);
  },
);

test("entries of a user's Secret are hashed, with their limits and in one order", () => {
  const hashed = `sha256:${"AB".repeat(32)}`;
  expect(linesOf({ lab: `${other}  daily_bytes=1GiB burst=5\n`, batch: hashed, app: key })).toEqual(
    [
      `app ${sha256(key)}`,
      `batch ${hashed.toLowerCase()}`,
      `lab ${sha256(other)} daily_bytes=1GiB burst=5`,
    ],
  );
});

test("an entry api-keys holds a key file", () => {
  const file = `# ours\n${key}\napp ${other} expires=2030-01-01T00:00:00Z\n`;
  expect(linesOf({ "api-keys": file })).toEqual([
    `key-2 ${sha256(key)}`,
    `app ${sha256(other)} expires=2030-01-01T00:00:00Z`,
  ]);
});

test("gateways read what is written, and no key is in it", () => {
  const name = fc
    .stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
    .filter((n) => n !== "api-keys");
  const text = fc.stringMatching(/^[A-Za-z0-9+/=_-]{22,64}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, text), { minLength: 1, selector: ([n]) => n }),
      (list) => {
        fc.pre(new Set(list.map(([, value]) => value)).size === list.length);
        const { "api-keys": written } = hashGivenKeys(Object.fromEntries(list));
        const read = new Map(parseKeyFile(written).map((entry) => [entry.name, entry.key]));
        expect(read).toEqual(new Map(list.map(([n, value]) => [n, sha256(value)])));
        for (const [, value] of list) expect(written).not.toContain(value);
      },
    ),
  );
});

test.each<[string, Record<string, string>, RegExp]>([
  ["nothing", {}, /holds no key: add an entry/],
  ["an empty file", { "api-keys": "# later" }, /holds no key: add an entry/],
  ["a short key", { lab: "short-secret" }, /entry lab: key: must be 22 to 512/],
  ["an empty key", { lab: "" }, /entry lab: key: must be 22 to 512/],
  ["two words", { lab: `${key} secret` }, /entry lab: must be a key/],
  [
    "an unknown option",
    { lab: `${key} dayly_bytes=5` },
    /entry lab: unknown option; did you mean daily_bytes/,
  ],
  ["a bad name", { _lab: key }, /entry _lab: name: must be 1 to 63/],
  [
    "a key as a name",
    { c2VjcmV0LXNlY3JldC1zZWNyZXQ: key, b: key },
    /entry \(a key of 27 characters\)/,
  ],
  [
    "a broken line",
    { "api-keys": `app ${key}\nlab secret` },
    /entry api-keys: line 2: key: must be/,
  ],
  ["a name twice", { app: other, "api-keys": `app ${key}` }, /entry app: has the name of another/],
  ["a key twice", { app: key, lab: key }, /entry lab: is the same key as another \(.*entry app\)/],
  ["a key and its hash", { app: key, lab: sha256(key) }, /entry lab: is the same key as another/],
])("%s: the error names the entry, never the key", (_, data, problem) => {
  const hash = () => hashGivenKeys(data);
  expect(hash).toThrow(ConfigError);
  expect(hash).toThrow(problem);
  for (const secret of [key, other, "secret", "c2VjcmV0"]) expect(hash).not.toThrow(secret);
});
