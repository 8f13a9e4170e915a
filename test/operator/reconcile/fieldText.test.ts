import fc from "fast-check";
import { expect, test } from "vitest";
import { readFields, writeFields } from "../../../operator/reconcile/fieldText.ts";

const owner = fc.option(fc.uuid(), { nil: undefined });

/** A field set that names an owner, as the API server writes it. */
const fieldsOf = (uid: string, more: object = {}) => ({
  "f:metadata": { "f:ownerReferences": { [`k:{"uid":"${uid}"}`]: {} } },
  ...more,
});

test("any set of fields is read as it was written", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      owner,
      fc.uuid(),
      (more, uid, other) => {
        const fields: unknown = JSON.parse(JSON.stringify(fieldsOf(uid ?? other, more)));
        expect(readFields(writeFields(fields, uid), uid)).toEqual(fields);
      },
    ),
  );
});

test("bridges share a text, and one that names another owner is another", () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (one, other) => {
      fc.pre(one !== other);
      const text = writeFields(fieldsOf(one), one);
      expect(writeFields(fieldsOf(other), other)).toBe(text);
      expect(writeFields(fieldsOf(other), one)).not.toBe(text);
      expect(text).not.toContain(one);
    }),
  );
});

test("after any number of other texts a set is still read as it was written", () => {
  const text = writeFields(fieldsOf("u-1"), "u-1");
  for (let n = 0; n < 3_000; n++) writeFields({ [`f:${n}`]: {} }, undefined);
  expect(writeFields(fieldsOf("u-2"), "u-2")).toBe(text);
  expect(readFields(text, "u-1")).toEqual(fieldsOf("u-1"));
});
