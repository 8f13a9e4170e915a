import type { ApiClient } from "../api/client.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import type { OwnedObject } from "../build/metadata.ts";
import type { Resource } from "../api/resources.ts";
import { optionalKinds, secrets } from "./kinds.ts";
import { describeObject } from "./owned.ts";
import type { OwnedStore } from "./ownedStore.ts";

export interface PruneInput {
  readonly client: ApiClient;
  readonly owned: OwnedStore;
  readonly bridge: StoredBridge;
  /** What is to stay: all of it has been applied. */
  readonly objects: readonly OwnedObject[];
  readonly signal: AbortSignal;
}

const { certificate } = optionalKinds;
const rankOf = ({ resource }: { readonly resource: Resource }): number =>
  resource.kind === certificate.kind ? 0 : 1;

/**
 * Deletes what the bridge owns and no longer wants: objects that carry its label and name it, by its
 * uid, as their controller; never by a name.
 * @returns what was deleted, for people
 */
export async function prune(input: PruneInput): Promise<string[]> {
  const { client, owned, bridge, objects, signal } = input;
  const { name, namespace, uid } = bridge.metadata;
  const wanted = new Set(
    objects.flatMap((object) => {
      const { name } = object.metadata;
      // Of a Certificate cert-manager makes a Secret of the same name.
      const kinds = object.kind === certificate.kind ? [object, secrets] : [object];
      return kinds.map((kind) => describeObject(kind, name));
    }),
  );
  const unwanted = owned.of(`${namespace}/${name}`).filter(({ resource, name, object }) => {
    const isOurs = object.controller?.uid === uid && !object.isBeingDeleted;
    return isOurs && !wanted.has(describeObject(resource, name));
  });
  // Certificates first: else cert-manager would make a deleted Secret anew.
  unwanted.sort((a, b) => rankOf(a) - rankOf(b));
  for (const { resource, name, object } of unwanted) {
    await owned.duringWrite(namespace, resource, name, async () => {
      await client.delete(resource, { namespace, name }, { uid: object.uid, signal });
      owned.remove(namespace, resource, name, object.uid);
    });
  }
  return unwanted.map(({ resource, name }) => describeObject(resource, name));
}
