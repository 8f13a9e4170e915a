import type { ApiClient } from "../api/client.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import { ownerReference } from "../build/metadata.ts";
import { collectorIssuedName, gatewayIssuedName } from "../build/names.ts";
import { secrets } from "./kinds.ts";
import { type KnownObject, knownObject } from "./owned.ts";
import type { OwnedStore } from "./ownedStore.ts";

interface AdoptInput {
  readonly client: ApiClient;
  readonly owned: OwnedStore;
  readonly bridge: StoredBridge;
  readonly signal: AbortSignal;
}

/** On each Secret that cert-manager makes. */
const certificateAnnotation = "cert-manager.io/certificate-name";

/**
 * Makes the bridge the owner of the Secrets that cert-manager has made of its Certificates, so that
 * they go when all else goes. By itself cert-manager leaves them behind; where it is told otherwise
 * (--enable-certificate-owner-ref), they have an owner already.
 */
export async function adoptIssued({ client, owned, bridge, signal }: AdoptInput): Promise<void> {
  const { name: bridgeName, namespace } = bridge.metadata;
  for (const name of [gatewayIssuedName(bridge), collectorIssuedName(bridge)]) {
    const known = owned.get(`${namespace}/${bridgeName}`, secrets, name);
    if (known === undefined || !isFree(known, bridge)) continue;
    const at = { namespace, name };
    const found = await client.get(secrets, at, { metadataOnly: true, signal });
    if (found?.metadata.annotations?.[certificateAnnotation] !== name) continue;
    const { uid } = found.metadata;
    const patch = { metadata: { uid, ownerReferences: [ownerReference(bridge)] } };
    const answer = await client.merge(secrets, at, patch, { signal });
    owned.put(namespace, secrets, name, knownObject(answer));
  }
}

/** Nobody's, or that of a bridge of this name which is no more. */
function isFree({ controller, isBeingDeleted }: KnownObject, { metadata }: StoredBridge): boolean {
  if (isBeingDeleted) return false;
  if (controller === undefined) return true;
  return controller.bridge === metadata.name && controller.uid !== metadata.uid;
}
