import type { OwnedObject } from "../build/metadata.ts";
import { covers } from "./fieldSet.ts";
import { ownerMark, readFields } from "./fieldText.ts";
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
  const ownerReferences = owned.ownerReferences.map((reference) =>
    reference.uid === found.controller?.uid ? { ...reference, uid: ownerMark } : reference,
  );
  return covers(readFields(found.fields), { ...content, metadata: { ...owned, ownerReferences } });
}
