import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { parseKeyRing, singleKeyRing } from "../../common/keys/keyRing.ts";

const one = "11".repeat(32);
const two = "22".repeat(64);
const good = { version: 1, signing: "a", keys: [{ id: "a", key: one }] };

test("a ring of several keys", () => {
  const ring = parseKeyRing(
    JSON.stringify({
      version: 1,
      signing: "new_KEY-2",
      keys: [
        { id: "old", key: one, notAfter: "2026-01-01T00:00:00.5Z".replace(".5", ".500") },
        { id: "new_KEY-2", key: two },
        { id: "v1", key: "AB".repeat(48), use: "unbound" },
      ],
    }),
  );
  expect(ring.signing).toBe(ring.keys[1]);
  expect(
    ring.keys.map(({ id, use, notAfter, secret }) => ({
      id,
      use,
      notAfter,
      secret: secret.export().toString("hex"),
    })),
  ).toEqual([
    { id: "old", use: "bound", notAfter: 1_767_225_600_500_000_000n, secret: one },
    { id: "new_KEY-2", use: "bound", notAfter: undefined, secret: two },
    { id: "v1", use: "unbound", notAfter: undefined, secret: "ab".repeat(48) },
  ]);
});

test("a ring of the one key in a config", () => {
  const ring = singleKeyRing(one, ["unbound", "bound"]);
  expect(ring.signing.use).toBe("unbound");
  expect(ring.keys.map(({ use }) => use)).toEqual(["unbound", "bound"]);
  expect(ring.keys.map(({ secret }) => secret.export().toString("hex"))).toEqual([one, one]);
  expect(new Set(ring.keys.map(({ id }) => id)).size).toBe(2);
});

const key = (change: object): object => ({ ...good, keys: [{ ...good.keys[0], ...change }] });
const many = (count: number): object => ({
  ...good,
  keys: Array.from({ length: count }, (_, index) => ({
    id: "abcdef"[index],
    key: `${index}${index}`.repeat(32),
  })),
});

test.each([
  ["32 bytes", key({ key: one })],
  ["64 bytes", key({ key: two })],
  ["hex in both cases", key({ key: "aA".repeat(32) })],
  ["use bound", key({ use: "bound" })],
  ["four keys", many(4)],
  ["an id of 64 characters", { ...key({ id: "x".repeat(64) }), signing: "x".repeat(64) }],
  ["a notAfter", key({ notAfter: "2026-01-01T00:00:00Z" })],
])("%s: accepted", (_, value) => {
  expect(parseKeyRing(JSON.stringify(value)).keys.length).toBeGreaterThan(0);
});

test.each([
  ["version 2", { ...good, version: 2 }, "version"],
  ["version as text", { ...good, version: "1" }, "version"],
  ["no version", { ...good, version: undefined }, "version"],
  ["no keys", { ...good, keys: undefined }, "keys"],
  ["an empty list of keys", { ...good, keys: [] }, "keys"],
  ["five keys", many(5), "keys"],
  ["no signing key", { ...good, signing: undefined }, "signing"],
  ["a signing key that is not there", { ...good, signing: "b" }, "signing"],
  ["an unknown field", { ...good, extra: 1 }, "extra: unknown key"],
  ["an unknown field of a key", key({ extra: 1 }), "keys[0].extra: unknown key"],
  ["31 bytes", key({ key: "11".repeat(31) }), "keys[0].key"],
  ["65 bytes", key({ key: "11".repeat(65) }), "keys[0].key"],
  ["an odd number of digits", key({ key: `${one}1` }), "keys[0].key"],
  ["no hex", key({ key: "zz".repeat(32) }), "keys[0].key"],
  ["base64", key({ key: Buffer.alloc(32, 9).toString("base64") }), "keys[0].key"],
  ["a line end in the key", key({ key: `${one}\n` }), "keys[0].key"],
  ["a key as a number", key({ key: 11 }), "keys[0].key"],
  ["an empty id", key({ id: "" }), "keys[0].id"],
  ["an id of 65 characters", key({ id: "x".repeat(65) }), "keys[0].id"],
  ["an id with a space", key({ id: "a b" }), "keys[0].id"],
  ["an id with a line end", key({ id: "a\n" }), "keys[0].id"],
  ["a use that is not known", key({ use: "both" }), "keys[0].use"],
  ["a notAfter that is no time", key({ notAfter: "tomorrow" }), "notAfter"],
  ["a notAfter with an offset", key({ notAfter: "2026-01-01T00:00:00+01:00" }), "notAfter"],
  ["the same id twice", { ...good, keys: [good.keys[0], good.keys[0]] }, "same id"],
  [
    "the same key for two uses",
    {
      ...good,
      keys: [
        { id: "a", key: "aa".repeat(32) },
        { id: "b", key: "AA".repeat(32), use: "unbound" },
      ],
    },
    "same key",
  ],
  ["an array", [good], "key ring"],
  ["null", null, "key ring"],
])("%s: refused, by the field's name and without the key", (_, value, named) => {
  const text = JSON.stringify(value);
  const error = refusalOf(text);
  expect(error.message).toContain(named);
  expectNoSecret(error, text);
});

test.each([
  ["an empty file", ""],
  ["only white space", " \n"],
  ["half a file", JSON.stringify(good).slice(0, 60)],
  ["a key without quotes", JSON.stringify(good).replace(`"${one}"`, one)],
  ["a key in place of the ring", one],
  ["a key as a field's name", `{"${one}":1}`],
  ["a key as a name in a key", JSON.stringify(key({ [one.slice(0, 40)]: 1 }))],
  ["a key in base64url as a name", JSON.stringify(key({ [`k${base64url(one)}`]: 1 }))],
  ["a key after the ring", `${JSON.stringify(good)}${one}`],
  ["YAML", `version: 1\nsigning: a\nkeys: [{id: a, key: ${one}}]`],
])("%s: refused, without the key", (_, text) => {
  expectNoSecret(refusalOf(text), text);
});

test("anything is a ring or a ConfigError that does not quote the file", () => {
  const marker = "c0ffee";
  const hex = fc.stringMatching(/^([0-9a-f]{2}){20,70}$/).map((digits) => marker + digits);
  const field = fc.oneof(hex, fc.jsonValue(), fc.constant("a"));
  const entry = fc.record(
    { id: field, key: field, use: field, notAfter: field },
    { requiredKeys: [] },
  );
  const ring = fc.record(
    { version: fc.oneof(fc.constant(1), field), signing: field, keys: fc.array(entry) },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    ring.map((value) => JSON.stringify(value)),
    fc.tuple(ring, fc.nat()).map(([value, at]) => {
      const whole = JSON.stringify(value);
      return whole.slice(0, at % whole.length);
    }),
    hex,
    fc.string(),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      try {
        parseKeyRing(candidate);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as Error).message).not.toContain(marker);
      }
    }),
    { numRuns: 2000 },
  );
});

function refusalOf(text: string): ConfigError {
  try {
    parseKeyRing(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  return expect.fail("accepted");
}

/** No run of 12 characters of any long text in the file shows in the error or its causes. */
function expectNoSecret(error: Error, text: string): void {
  const secrets = text.match(/[A-Za-z0-9+/_-]{22,}/g) ?? [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    for (const secret of secrets) expect(cause.message).not.toContain(secret.slice(0, 12));
  }
}

function base64url(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64url").slice(0, 30);
}
