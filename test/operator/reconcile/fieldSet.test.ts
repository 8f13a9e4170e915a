import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { covers, parseFieldSet } from "../../../operator/reconcile/fieldSet.ts";

type Value = Readonly<Record<string, unknown>>;

const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
const name = fc.string({ minLength: 1 }).filter((text) => text !== "__proto__");
/** An object with lists of both kinds in it: of items that have a name, and of texts. */
const value = fc.letrec<{ object: Value; part: unknown }>((tie) => ({
  object: fc.dictionary(name, tie("part"), { maxKeys: 4 }),
  part: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 3 }),
    fc.uniqueArray(fc.record({ name: fc.string(), more: scalar }), {
      minLength: 1,
      maxLength: 3,
      selector: ({ name }) => name,
    }),
    tie("object"),
  ),
})).object;

/** As the API server writes it when all of a value was applied. */
function fieldsOf(part: unknown): object {
  if (typeof part !== "object" || part === null) return {};
  if (!Array.isArray(part)) {
    const entries = Object.entries(part).map(([name, inner]) => [`f:${name}`, fieldsOf(inner)]);
    return { ".": {}, ...Object.fromEntries(entries) };
  }
  const items = part.map((item: string | { name: string }) =>
    typeof item === "string"
      ? [`v:${JSON.stringify(item)}`, {}]
      : [`k:${JSON.stringify({ name: item.name })}`, fieldsOf(item)],
  );
  return { ".": {}, ...Object.fromEntries(items) };
}

const coveredBy = (fields: unknown, part: unknown): boolean => covers(parseFieldSet(fields), part);

test("the set of a value covers it, and none with a field more", () => {
  fc.assert(
    fc.property(value, name, (whole, more) => {
      fc.pre(!Object.hasOwn(whole, more));
      expect(coveredBy(fieldsOf(whole), whole)).toBe(true);
      expect(coveredBy(fieldsOf(whole), { ...whole, [more]: 1 })).toBe(false);
      expect(coveredBy(fieldsOf({ ...whole, [more]: 1 }), whole)).toBe(true);
    }),
  );
});

describe("a set", () => {
  const ports = {
    ".": {},
    'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {}, "f:name": {} },
  };

  test("without parts covers whatever is inside", () => {
    expect(coveredBy({}, { any: ["thing"] })).toBe(true);
  });

  test("that there is none of covers nothing", () => {
    expect(coveredBy(undefined, {})).toBe(false);
    expect(coveredBy("text", {})).toBe(false);
  });

  test("knows an item whose key was filled in with its default", () => {
    expect(coveredBy(ports, [{ port: 80, name: "http" }])).toBe(true);
  });

  test.each([
    ["of another key", { port: 81 }],
    ["with a field more", { port: 80, targetPort: "http" }],
  ])("does not cover an item %s", (_, item) => {
    expect(coveredBy(ports, [item])).toBe(false);
  });

  test("asks for no field that is left out", () => {
    expect(coveredBy({ "f:one": {} }, { one: 1, other: undefined })).toBe(true);
  });

  test("covers a text of a list by itself alone", () => {
    const names = { 'v:"a"': {} };
    expect(coveredBy(names, ["a"])).toBe(true);
    expect(coveredBy(names, ["a", "b"])).toBe(false);
  });
});
