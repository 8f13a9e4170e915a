import { hash } from "node:crypto";
import { group } from "../bridge/schema.ts";
import type { OwnedObject } from "../build/metadata.ts";

/** On every object that is applied: the hash of what was asked for. */
export const intentAnnotation = `${group}/intent`;

/** The hash of an object as it was built. */
export function hashIntent(object: OwnedObject): string {
  return hash("sha256", JSON.stringify(object), "base64url");
}

/** The object as it is applied: with its hash. */
export function withIntent(object: OwnedObject, intent = hashIntent(object)): OwnedObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [intentAnnotation]: intent };
  return { ...object, metadata: { ...metadata, annotations } };
}
