import type { ApiClient } from "../api/client.ts";
import { hasCode } from "../api/errors.ts";
import type { ApiObject } from "../api/object.ts";
import type { Resource } from "../api/resources.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import { runsPods } from "../build/buildAll.ts";
import { isMonitoring, type OwnedObject } from "../build/metadata.ts";
import { conditionOf } from "./conditions.ts";
import { difference, type Difference, ownsAll } from "./differs.ts";
import { withIntent } from "./intent.ts";
import { resourceOf } from "./kinds.ts";
import { describeObject, knownObject, type KnownObject } from "./owned.ts";
import type { OwnedStore } from "./ownedStore.ts";
import { BeingDeletedError, StalledError } from "./trouble.ts";

export interface ApplyInput {
  readonly client: ApiClient;
  readonly owned: OwnedStore;
  readonly bridge: StoredBridge;
  readonly objects: readonly OwnedObject[];
  /** The bridge's Secrets as they were read, which decisions are built on; undefined for none. */
  readonly stored: ReadonlyMap<string, ApiObject | undefined>;
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
 * Applies what differs, in the given order, and stops at the first that fails: pods come last, so
 * that none runs before all that guards it is there. Of monitoring only a taken name stops the rest.
 * What others own is never written to: what is to be there anew is created or conflicts; whether
 * somebody has the name of a Deployment is asked for before anything is written, as are all names by
 * a bridge that waits for one.
 * @param onApplied is told of each as it is done, also where a later one fails
 * @throws StalledError NameTaken
 */
export async function applyAll(
  input: ApplyInput,
  onApplied: (applied: Applied) => void,
): Promise<void> {
  const planned = await Promise.all(input.objects.map((wanted) => plan(input, wanted)));
  let unwatched: unknown;
  for (const each of planned) {
    if (each === undefined) continue;
    try {
      const done = await applyOne(input, each);
      if (done !== undefined) onApplied(done);
    } catch (error) {
      if (!isMonitoring(each.wanted) || isTaken(error)) throw error;
      unwatched ??= error;
    }
  }
  if (unwatched !== undefined) throw unwatched;
}

async function plan(input: ApplyInput, wanted: OwnedObject): Promise<Planned | undefined> {
  const found = await find(input, wanted);
  return found === undefined
    ? { wanted, resource: resourceOf(wanted), found, because: "absent" }
    : compare(input, wanted, found);
}

function compare(
  { bridge, owned }: ApplyInput,
  wanted: OwnedObject,
  found: KnownObject,
): Planned | undefined {
  refuseOthers(bridge, wanted, found);
  const because = difference(wanted, found, owned.accepted(found.uid));
  return because && { wanted, resource: resourceOf(wanted), found, because };
}

async function find(input: ApplyInput, wanted: OwnedObject): Promise<KnownObject | undefined> {
  const { owned, bridge, stored } = input;
  const { name, namespace } = wanted.metadata;
  if (isDecidedOn(input, wanted)) {
    const read = stored.get(name);
    return read && knownObject(read);
  }
  const known = owned.get(`${namespace}/${bridge.metadata.name}`, resourceOf(wanted), name);
  if (known !== undefined) return known;
  const isClash = conditionOf(bridge.status, "Stalled")?.reason === "NameTaken";
  // One Deployment's pods must not run when the name of the other's is taken.
  return isClash || runsPods(wanted) ? ask(input, wanted) : undefined;
}

/** What was decided on such a Secret holds for the state that was read, and for no other. */
function isDecidedOn({ stored }: ApplyInput, { kind, metadata }: OwnedObject): boolean {
  return kind === "Secret" && stored.has(metadata.name);
}

/** Watches tell of what carries the bridge's label; something else may have the name. */
async function ask(
  { client, signal }: ApplyInput,
  wanted: OwnedObject,
): Promise<KnownObject | undefined> {
  const { name, namespace } = wanted.metadata;
  const options = { metadataOnly: true, signal };
  const object = await client.get(resourceOf(wanted), { namespace, name }, options);
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

function isTaken(error: unknown): boolean {
  return error instanceof StalledError && error.reason === "NameTaken";
}

/** @returns undefined where it is there already as it should be */
async function applyOne(input: ApplyInput, planned: Planned): Promise<Applied | undefined> {
  try {
    return await write(input, planned);
  } catch (error) {
    const { wanted, found } = planned;
    const isThere = found === undefined && hasCode(error, "ERR_API_CONFLICT");
    if (!isThere || isDecidedOn(input, wanted)) throw error;
    const other = await ask(input, wanted);
    if (other === undefined) throw error; // gone again
    const again = compare(input, wanted, other);
    return again && (await write(input, again));
  }
}

function write(input: ApplyInput, { wanted, resource, found, because }: Planned): Promise<Applied> {
  const { client, owned, signal } = input;
  const { name, namespace } = wanted.metadata;
  return owned.duringWrite(namespace, resource, name, async () => {
    const base = found && (await adopt(input, wanted, found));
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
  });
}

/**
 * What no object's resource version is: etcd gives its first write the second revision. An apply
 * onto it creates what is absent, and is an ERR_API_CONFLICT where anything has the name.
 */
const absentVersion = "1";

/** Only this very object, or none; a Secret only as it was when its content was decided on. */
function onto(base: KnownObject | undefined, object: OwnedObject): OwnedObject {
  const preconditions =
    base === undefined
      ? { resourceVersion: absentVersion }
      : {
          uid: base.uid,
          ...(object.kind === "Secret" && { resourceVersion: base.resourceVersion }),
        };
  return { ...object, metadata: { ...object.metadata, ...preconditions } };
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
