import type { ApiClient } from "../api/client.ts";
import type { ApiObject } from "../api/object.ts";
import type { Resource } from "../api/resources.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import { bridgeLabel, type OwnedObject } from "../build/metadata.ts";
import {
  apiKeysSecretName,
  collectorAuthorityName,
  gatewayAuthorityName,
  signingSecretName,
} from "../build/names.ts";
import { difference, type Difference, ownsAll } from "./differs.ts";
import { withIntent } from "./intent.ts";
import { resourceOf, secrets } from "./kinds.ts";
import { describeObject, knownObject, type KnownObject } from "./owned.ts";
import type { OwnedStore } from "./ownedStore.ts";
import { BeingDeletedError, StalledError } from "./trouble.ts";

export interface ApplyInput {
  readonly client: ApiClient;
  readonly owned: OwnedStore;
  readonly bridge: StoredBridge;
  readonly objects: readonly OwnedObject[];
  /** The bridge's Secrets as they were read, which decisions are built on. */
  readonly stored: ReadonlyMap<string, ApiObject>;
  readonly signal: AbortSignal;
}

/** What came of it, for events. */
export interface Applied {
  readonly object: OwnedObject;
  readonly because: Difference | "absent";
  /** Who wrote to it last beside us. */
  readonly otherManager: string | undefined;
  /** Whether the API server's answer is not what was asked for in all fields. */
  readonly isAltered: boolean;
}

interface Planned {
  readonly wanted: OwnedObject;
  readonly resource: Resource;
  readonly found: KnownObject | undefined;
  readonly because: Applied["because"];
}

/**
 * Applies what differs, in the given order, and stops at the first that fails: policies come before
 * the pods that they guard. What others own is found before anything is touched.
 * @throws StalledError NameTaken
 */
export async function applyAll(input: ApplyInput): Promise<Applied[]> {
  const planned = await Promise.all(input.objects.map((wanted) => plan(input, wanted)));
  const applied: Applied[] = [];
  for (const each of planned) if (each !== undefined) applied.push(await applyOne(input, each));
  return applied;
}

async function plan(input: ApplyInput, wanted: OwnedObject): Promise<Planned | undefined> {
  const resource = resourceOf(wanted);
  const found = await find(input, resource, wanted);
  if (found === undefined) return { wanted, resource, found, because: "absent" };
  refuseOthers(input.bridge, wanted, found);
  const because = difference(wanted, found, input.owned.accepted(found.uid));
  return because && { wanted, resource, found, because };
}

/** Watches tell of what carries the bridge's label; something else may have the name. */
async function find(
  { client, owned, bridge, stored, signal }: ApplyInput,
  resource: Resource,
  { metadata: { name, namespace } }: OwnedObject,
): Promise<KnownObject | undefined> {
  // What was decided on a Secret holds for the state that was read, and for no other.
  const read = resource.kind === "Secret" ? stored.get(name) : undefined;
  if (read !== undefined) return knownObject(read);
  const known = owned.get(`${namespace}/${bridge.metadata.name}`, resource, name);
  if (known !== undefined) return known;
  const options = { metadataOnly: true, signal };
  const object = await client.get(resource, { namespace, name }, options);
  return object && knownObject(object);
}

/** Seconds; what others own is not watched. */
const takenAgain = 30;

/** One of a bridge of the same name that is no more is taken over, with the keys that it holds. */
function refuseOthers(bridge: StoredBridge, wanted: OwnedObject, found: KnownObject): void {
  const { name, namespace } = bridge.metadata;
  const what = describeObject(wanted, wanted.metadata.name);
  if (found.isBeingDeleted) throw new BeingDeletedError(what);
  if (found.controller?.bridge === name) return;
  const owner = found.controller?.description ?? "nobody that it names";
  throw new StalledError(
    "NameTaken",
    `${what} in ${namespace} is there already and belongs to ${owner}: delete it, or give this bridge another name`,
    takenAgain,
  );
}

async function applyOne(
  input: ApplyInput,
  { wanted, resource, found, because }: Planned,
): Promise<Applied> {
  const { client, owned, signal } = input;
  const { name, namespace } = wanted.metadata;
  const base = await (found === undefined ? claim(input, wanted) : adopt(input, wanted, found));
  const object = onto(base, withIntent(wanted));
  const answer = await client.apply(resource, { namespace, name }, object, { signal });
  const known = knownObject(answer);
  owned.put(namespace, resource, name, known);
  if (!ownsAll(wanted, known)) owned.accept(known);
  return {
    object: wanted,
    because,
    otherManager: found?.otherManager,
    isAltered: !contains(answer, wanted),
  };
}

/** Only this very object; a Secret only as it was when its content was decided on. */
function onto(base: KnownObject | undefined, object: OwnedObject): OwnedObject {
  if (base === undefined) return object;
  const { uid, resourceVersion } = base;
  const preconditions = object.kind === "Secret" ? { uid, resourceVersion } : { uid };
  return { ...object, metadata: { ...object.metadata, ...preconditions } };
}

/**
 * Creates the empty Secret for keys that must never be made twice: an apply would also write onto
 * one that another has made meanwhile, a create does not. A Secret left empty counts as none.
 * @throws ApiError ERR_API_EXISTS
 */
async function claim(
  { client, bridge, signal }: ApplyInput,
  { kind, metadata }: OwnedObject,
): Promise<KnownObject | undefined> {
  const { name, namespace, ownerReferences } = metadata;
  const keyNames = [
    signingSecretName,
    apiKeysSecretName,
    gatewayAuthorityName,
    collectorAuthorityName,
  ].map((nameOf) => nameOf(bridge));
  if (kind !== "Secret" || !keyNames.includes(name)) return undefined;
  const labels = { [bridgeLabel]: bridge.metadata.name };
  const secret = {
    apiVersion: "v1",
    kind,
    metadata: { name, namespace, labels, ownerReferences },
    type: "Opaque",
  };
  return knownObject(await client.create(secrets, namespace, secret, { signal }));
}

/** What a bridge of the same name left, which is no more, loses that as its owner first. */
async function adopt(
  { client, bridge, signal }: ApplyInput,
  wanted: OwnedObject,
  found: KnownObject,
): Promise<KnownObject> {
  if (found.controller?.uid === bridge.metadata.uid) return found;
  const { name, namespace, ownerReferences } = wanted.metadata;
  const patch = { metadata: { uid: found.uid, ownerReferences } };
  const at = { namespace, name };
  return knownObject(await client.merge(resourceOf(wanted), at, patch, { signal }));
}

/** Whether all that is wanted is there, with or without more. What is empty may be left out. */
function contains(there: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return there === wanted;
  if (typeof there !== "object" || there === null) return Object.keys(wanted).length === 0;
  if (Array.isArray(wanted)) {
    const items: readonly unknown[] = Array.isArray(there) ? there : [];
    return wanted.every((item: unknown) => items.some((other) => contains(other, item)));
  }
  const parts = new Map<string, unknown>(Object.entries(there));
  return Object.entries(wanted).every(
    ([name, part]) => part === undefined || contains(parts.get(name), part),
  );
}
