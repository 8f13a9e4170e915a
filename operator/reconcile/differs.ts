import type { OwnedObject } from "../build/metadata.ts";
import { readFields } from "./fieldText.ts";
import { hashIntent, withIntent } from "./intent.ts";
import type { KnownObject } from "./owned.ts";

/**
 * Whether an object has to be applied (again), from its metadata alone:
 *
 * - `intent`: what we want has changed since our last apply. The annotation says what that was.
 * - `drift`: a field of ours is no longer ours. The API server takes a field from its manager when
 *   anybody else changes or removes it, and says so in managedFields.
 *
 * What it answers to an apply may differ from the intent: defaults, `1000m` → `1`, a mutating
 * webhook. Such fields stay ours, so that they are accepted and not applied again. All of this is
 * kept by the API server: an operator that starts anew knows as much as the one before, and writes
 * nothing.
 */
export type Difference = "intent" | "drift";

/** @param accepted our fields as the answer to our last apply had them, where that was not all */
export function difference(
  wanted: OwnedObject,
  found: KnownObject,
  accepted: string | undefined,
): Difference | undefined {
  if (found.fields === undefined) return found.intent === undefined ? "intent" : "drift";
  if (found.intent !== undefined && found.intent !== hashIntent(wanted)) return "intent";
  return found.fields === accepted || ownsAll(wanted, found) ? undefined : "drift";
}

/** Whether all fields that are wanted are ours; which values they have does not matter. */
export function ownsAll(wanted: OwnedObject, found: KnownObject): boolean {
  if (found.fields === undefined) return false;
  const { apiVersion: _, kind: __, metadata, ...content } = withIntent(wanted, "");
  const { name: ___, namespace: ____, ...owned } = metadata;
  const fields = readFields(found.fields, found.controller?.uid);
  return covers(fields, { ...content, metadata: owned });
}

/**
 * Whether a set of fields holds all of a value's. FieldsV1 names a field `f:<name>`, an item of a
 * list with keys `k:<keys as JSON>`, one of a set `v:<value as JSON>`, and what has parts itself `.`;
 * nothing inside means that it is owned as a whole.
 * @see https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath
 */
function covers(fields: unknown, value: unknown): boolean {
  if (!isObject(fields)) return false;
  if (Object.keys(fields).length === 0) return true;
  const entries = Object.entries(fields).filter(([name]) => name !== ".");
  if (Array.isArray(value)) return value.every((item) => coversItem(entries, item));
  if (!isObject(value)) return true;
  return Object.entries(value).every(
    ([name, part]) => part === undefined || covers(fields[`f:${name}`], part),
  );
}

function coversItem(entries: readonly [string, unknown][], item: unknown): boolean {
  return entries.some(([name, fields]) => {
    const key: unknown = JSON.parse(name.slice(2));
    if (name.startsWith("v:")) return key === item;
    if (!name.startsWith("k:") || !isObject(key) || !isObject(item)) return false;
    // A key that the item leaves out was filled in with its default.
    const isIt = Object.entries(key).every(([part, is]) => !(part in item) || item[part] === is);
    return isIt && covers(fields, item);
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
