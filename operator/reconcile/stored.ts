import { z } from "zod";
import type { ApiClient } from "../api/client.ts";
import type { ApiObject } from "../api/object.ts";
import type { StoredBridge } from "../bridge/schema.ts";
import { bridgeLabel } from "../build/metadata.ts";
import {
  apiKeysSecretName,
  collectorAuthorityName,
  collectorCaName,
  collectorIssuedName,
  collectorTlsName,
  gatewayAuthorityName,
  gatewayIssuedName,
  gatewayTlsName,
  serverCaName,
  signingSecretName,
} from "../build/names.ts";
import { configMaps, secrets } from "./kinds.ts";
import type { OwnedStore } from "./ownedStore.ts";
import { listReferences, type Reference } from "./references.ts";
import { StalledError } from "./trouble.ts";

/** The data of a Secret or ConfigMap, as text. */
export type Data = Readonly<Record<string, string>>;

/** What Secrets and ConfigMaps hold now; undefined for those that are not there. */
export interface Stored {
  /** The bridge's Secrets, by name, as they were read; undefined for those that are not there. */
  readonly objects: ReadonlyMap<string, ApiObject | undefined>;
  /** The same, their content. */
  readonly data: (name: string) => Data | undefined;
  /** A Secret that the spec refers to and that is meant for this bridge. */
  readonly given: (name: string) => Data | undefined;
  /** What verifiers read the CAs from: empty where it is not there. */
  readonly bundles: { readonly servers: string; readonly collectors: string };
  /** What the other half of the bridge has not given yet; to be told once all else is applied. */
  readonly missing: StalledError | undefined;
}

const Content = z.looseObject({ data: z.record(z.string(), z.string()).optional() });

/**
 * Reads what decisions about keys and certificates depend on. Contents are not kept from one time to
 * the next, being keys. Of a Secret that is known a state that is not older will do: what is decided
 * on it is written onto it alone, and the watch tells of a newer one.
 * @throws StalledError for a reference to what is not there, or not meant for the bridge
 */
export async function readStored(
  client: ApiClient,
  owned: OwnedStore,
  bridge: StoredBridge,
  signal: AbortSignal,
): Promise<Stored> {
  const { namespace } = bridge.metadata;
  const read = (name: string): Promise<ApiObject | undefined> => {
    const known = owned.get(`${namespace}/${bridge.metadata.name}`, secrets, name);
    const options = { resourceVersion: known?.resourceVersion, signal };
    return client.get(secrets, { namespace, name }, options);
  };
  const names = [
    signingSecretName,
    apiKeysSecretName,
    gatewayAuthorityName,
    collectorAuthorityName,
    gatewayTlsName,
    collectorTlsName,
    ...(bridge.spec.tls?.issuerRef === undefined ? [] : [gatewayIssuedName, collectorIssuedName]),
  ].map((nameOf) => nameOf(bridge));
  const [objects, references] = await Promise.all([
    Promise.all(names.map(async (name) => [name, await read(name)] as const)),
    readReferences(client, bridge, signal),
  ]);
  const found = new Map(objects);
  const data = (name: string): Data | undefined => contentOf(found.get(name), fromBase64);
  const bundleOf = async (authority: string, name: string): Promise<string> => {
    // Only while there is a next CA does it matter who has read of it.
    if (data(authority)?.["next.crt"] === undefined) return "";
    const object = await client.get(configMaps, { namespace, name }, { signal });
    return contentOf(object, asIs)?.["ca.crt"] ?? "";
  };
  const [servers, collectors] = await Promise.all([
    bundleOf(gatewayAuthorityName(bridge), serverCaName(bridge)),
    bundleOf(collectorAuthorityName(bridge), collectorCaName(bridge)),
  ]);
  return {
    objects: found,
    data,
    given: (name) => references.given.get(name),
    bundles: { servers, collectors },
    missing: references.missing,
  };
}

interface References {
  /** The Secrets' contents, by name. */
  readonly given: ReadonlyMap<string, Data>;
  readonly missing: StalledError | undefined;
}

async function readReferences(
  client: ApiClient,
  bridge: StoredBridge,
  signal: AbortSignal,
): Promise<References> {
  const { namespace } = bridge.metadata;
  const read = await Promise.all(
    listReferences(bridge.spec).map(async (reference) => {
      const { kind, name } = reference;
      const resource = kind === "Secret" ? secrets : configMaps;
      const object = await client.get(resource, { namespace, name }, { signal });
      return { ...reference, found: judgeReference(bridge, reference, object) };
    }),
  );
  const lacking = read.flatMap(({ found, ...reference }) =>
    found instanceof StalledError ? [{ ...reference, found }] : [],
  );
  const stop = lacking.find(
    ({ field, inReturn }) => field !== patientField && inReturn === undefined,
  );
  if (stop !== undefined) throw stop.found;
  return {
    given: new Map(
      read.flatMap(({ kind, name, found }) =>
        kind === "Secret" && !(found instanceof StalledError) ? [[name, found]] : [],
      ),
    ),
    missing: lacking.find(({ inReturn }) => inReturn !== undefined)?.found,
  };
}

/** Seconds; ConfigMaps, and Secrets without the label, are not watched. */
const missingAgain = 30;

/** The one that may be missing for a while: the keys of before go on. */
const patientField = "signing.secretRef";

/**
 * @returns what it holds, or what of it is missing
 * @throws StalledError for a Secret that is not meant for the bridge
 */
function judgeReference(
  bridge: StoredBridge,
  { field, kind, name, keys, inReturn }: Reference,
  object: ApiObject | undefined,
): Data | StalledError {
  const { metadata } = bridge;
  const exchange =
    inReturn === undefined ? "" : `; the other half gets ConfigMap ${inReturn(bridge)} for it`;
  if (object === undefined) {
    const message = `${field}: there is no ${kind} ${name} in ${metadata.namespace}: create it`;
    return new StalledError("ReferenceMissing", message + exchange, missingAgain);
  }
  if (kind === "Secret" && object.metadata.labels?.[bridgeLabel] !== metadata.name) {
    // Else whoever may create a bridge could send any Secret to a URL of theirs.
    const command = `kubectl label secret ${name} -n ${metadata.namespace} ${bridgeLabel}=${metadata.name}`;
    const message = `${field}: Secret ${name} is not marked for this bridge; if it may use it: ${command}`;
    throw new StalledError("ReferenceNotLabelled", message, missingAgain);
  }
  const data = contentOf(object, kind === "Secret" ? fromBase64 : asIs) ?? {};
  const missing = keys.find((key) => data[key] === undefined);
  if (missing === undefined) return data;
  const message = `${field}: ${kind} ${name} has no entry ${missing}: add it`;
  return new StalledError("ReferenceMissing", message + exchange, missingAgain);
}

const asIs = (text: string): string => text;
const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString();

function contentOf(
  object: ApiObject | undefined,
  decode: (text: string) => string,
): Data | undefined {
  if (object === undefined) return undefined;
  const { data = {} } = Content.parse(object);
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, decode(text)]));
}
