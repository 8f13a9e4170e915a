import { SharedValues } from "../sharedValues.ts";
import { type FieldSet, parseFieldSet } from "./fieldSet.ts";

/** Stands for the uid of an object's owner; no uid has it. */
export const ownerMark = "<owner>";

/** Some thirty per topology and release; many more only while all change. */
const limit = 1_000;
const texts = new SharedValues<string>(limit);
const sets = new SharedValues<FieldSet | undefined>(limit);

/**
 * A set of fields (FieldsV1) as text, to be kept. Those of one kind of object differ from bridge to
 * bridge in their owner's uid alone, so without it one text does for all: with a thousand bridges
 * they would else be the largest part of what is held.
 * @param owner its uid; undefined for none
 */
export function writeFields(fields: unknown, owner: string | undefined): string {
  const whole = JSON.stringify(fields);
  const text = owner === undefined ? whole : whole.replaceAll(owner, ownerMark);
  return texts.of(text, () => text);
}

/** The set of fields of a text, one for all of them, in which `ownerMark` stands for the owner. */
export function readFields(text: string): FieldSet | undefined {
  return sets.of(text, () => parseFieldSet(JSON.parse(text)));
}
