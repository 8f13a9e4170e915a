import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFieldSet } from "../../../operator/reconcile/fieldSet.ts";
import { ownerMark, readFields, writeFields } from "../../../operator/reconcile/fieldText.ts";

const owner = fc.option(fc.uuid(), { nil: undefined });

/** A field set that names an owner, as the API server writes it. */
const fieldsOf = (uid: string, more: object = {}) => ({
  "f:metadata": { "f:ownerReferences": { [`k:{"uid":"${uid}"}`]: {} } },
  ...more,
});

/** The same fields under names that FieldsV1 has. */
const named = (more: object) =>
  Object.fromEntries(Object.keys(more).map((key) => [`f:${key}`, {}]));

test("any set of fields is read as it was written, but for its owner", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.constant({})),
      owner,
      fc.uuid(),
      (more, uid, other) => {
        const text = writeFields(fieldsOf(uid ?? other, named(more)), uid);
        const mark = uid === undefined ? other : ownerMark;
        expect(readFields(text)).toEqual(parseFieldSet(fieldsOf(mark, named(more))));
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
  expect(readFields(text)).toEqual(parseFieldSet(fieldsOf(ownerMark)));
});
