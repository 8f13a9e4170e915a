import type { ApiObject, OwnerReference } from "../api/object.ts";
import type { Resource } from "../api/resources.ts";
import { group, kind } from "../bridge/schema.ts";
import { bridgeLabel } from "../build/metadata.ts";
import { writeFields } from "./fieldText.ts";
import { intentAnnotation } from "./intent.ts";
import { SharedValues } from "../sharedValues.ts";

export const fieldManager = "qrng-bridge";

/** What has to be known of an object to say whether it is as it should be: its metadata alone. */
export interface KnownObject {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of its spec, where its kind counts that. */
  readonly generation: number | undefined;
  /** The object that controls it, if any. */
  readonly controller: Controller | undefined;
  readonly isBeingDeleted: boolean;
  /** The bridge that its label names. */
  readonly bridge: string | undefined;
  /** Of the intent that was last applied. */
  readonly intent: string | undefined;
  /** The fields that are ours, as the API server keeps them: see fieldText.ts; undefined for none. */
  readonly fields: string | undefined;
  /** Who else has written to it last, for people. */
  readonly otherManager: string | undefined;
}

export interface Controller {
  readonly uid: string;
  /** Its name where it is a QrngBridge. */
  readonly bridge: string | undefined;
  /** For people. */
  readonly description: string;
}

interface ManagedFields {
  readonly manager?: unknown;
  readonly operation?: unknown;
  readonly subresource?: unknown;
  readonly time?: unknown;
  readonly fieldsV1?: unknown;
}

/** @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
export function knownObject({ metadata }: ApiObject): KnownObject {
  const managers = readManagers(metadata["managedFields"]);
  const ours = managers.find(
    ({ manager, operation }) => manager === fieldManager && operation === "Apply",
  );
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    generation: metadata.generation,
    controller: owner && readController(owner),
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
    bridge: metadata.labels?.[bridgeLabel],
    intent: metadata.annotations?.[intentAnnotation],
    fields: ours?.fieldsV1 === undefined ? undefined : writeFields(ours.fieldsV1, owner?.uid),
    otherManager: lastOther(managers),
  };
}

/** A bridge has some twenty objects. */
const controllers = new SharedValues<Controller>(10_000);

function readController({ apiVersion, uid, ...owner }: OwnerReference): Controller {
  const [ownerGroup] = apiVersion.split("/");
  return controllers.of(`${ownerGroup} ${owner.kind} ${owner.name} ${uid}`, () => ({
    uid,
    bridge: owner.kind === kind && ownerGroup === group ? owner.name : undefined,
    description: `${owner.kind} ${owner.name}`,
  }));
}

function readManagers(value: unknown): ManagedFields[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (entry): entry is ManagedFields => typeof entry === "object" && entry !== null,
  );
}

/** RFC 3339 in UTC sorts as text. Those who only write status change nothing of ours. */
function lastOther(managers: readonly ManagedFields[]): string | undefined {
  const others = managers.filter(
    ({ manager, subresource = "" }) => manager !== fieldManager && subresource === "",
  );
  const last = others.sort((a, b) => (String(a.time) < String(b.time) ? 1 : -1))[0]?.manager;
  return typeof last === "string" ? last : undefined;
}

/** Such as `Deployment lab-gateway`. */
export function describeObject({ kind }: Pick<Resource, "kind">, name: string): string {
  return `${kind} ${name}`;
}
