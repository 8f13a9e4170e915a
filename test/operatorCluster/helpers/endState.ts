import { createHash } from "node:crypto";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import type { Spec, StoredObject } from "./bridge.ts";
import { startTestOperator } from "./operator.ts";
import { newScene, type Scene } from "./scene.ts";

/** What of an object differs between two that were made alike. */
const masked: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z ]+)-----.*?-----END \1-----(\\n)?/g, "<$1>"],
  [/\bqrng-[0-9a-f]{32}\b/g, "qrng-<hash>"], // the dashboard's uid
  [/\bkey [0-9a-f]{16}\b/g, "key <id>"],
  [/"qrngbridge\.io\/(intent|config-hash)":"[^"]+"/g, '"qrngbridge.io/$1":"<hash>"'],
];

export type EndState = Readonly<Record<string, unknown>>;

/** All that a bridge owns, and its conditions, so that it is the same for bridges made alike. */
export async function endState(scene: Scene, name: string): Promise<EndState> {
  const bridge = await scene.get("qrngbridge", name);
  const mask = (value: unknown): unknown => {
    const text = JSON.stringify(value)
      .replaceAll(scene.namespace, "<namespace>")
      .replaceAll(bridge?.metadata.uid ?? "", "<bridge>");
    return JSON.parse(masked.reduce((masked, [what, by]) => masked.replace(what, by), text));
  };
  const owned = [...(await scene.owned(name))].map(([key, object]) => [key, mask(lasting(object))]);
  const conditions = bridge?.status?.conditions?.map(({ type, status, reason, message }) => {
    return { type, status, reason, message };
  });
  return { ...Object.fromEntries(owned), conditions: mask(conditions) };
}

/** An object without what the API server counts, and without what a Secret holds. */
function lasting({ kind, metadata, spec, data = {}, ...rest }: StoredObject): unknown {
  const { name, labels, annotations, ownerReferences } = metadata;
  const { clusterIP: _, clusterIPs: __, ...wanted } = spec ?? {};
  return {
    metadata: { name, labels, annotations, ownerReferences },
    spec: wanted,
    data: kind === "Secret" ? Object.keys(data) : data,
    type: (rest as { type?: unknown }).type,
  };
}

/**
 * Digests of all that a bridge's Secrets hold, by Secret and entry, less the book of the key ring,
 * which moves on by itself.
 */
export async function heldSecrets(scene: Scene, name: string): Promise<Record<string, string>> {
  const secrets = [...(await scene.owned(name)).values()].filter(({ kind }) => kind === "Secret");
  const entries = secrets.flatMap(({ metadata, data = {} }) =>
    Object.entries(data)
      .filter(([entry]) => entry !== "state.json")
      .map(([entry, text]) => [`${metadata.name} ${entry}`, digest(text)]),
  );
  return Object.fromEntries(entries);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The end state of a bridge that nothing happened to. */
export async function undisturbed(
  cluster: ControlPlaneAccess,
  ...specs: readonly [Spec, ...Spec[]]
): Promise<EndState> {
  const scene = await newScene(cluster, "undisturbed");
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  for (const spec of specs) {
    await scene.applyBridge("lab", spec);
    await scene.reasonIs("lab", "Reconciling", "RollingOut");
  }
  return endState(scene, "lab");
}

/** Objects in some namespaces that were created more than once, by the audit log. */
export async function madeTwice(
  cluster: ControlPlaneAccess,
  ...scenes: readonly Pick<Scene, "namespace">[]
): Promise<readonly string[]> {
  const namespaces = scenes.map(({ namespace }) => namespace);
  const created = (await cluster.auditEvents()).flatMap(({ stage, objectRef, responseStatus }) =>
    stage === "ResponseComplete" &&
    responseStatus?.code === 201 &&
    objectRef?.namespace !== undefined &&
    namespaces.includes(objectRef.namespace) &&
    objectRef.name !== undefined &&
    objectRef.resource !== "events"
      ? [`${objectRef.namespace}: ${objectRef.resource ?? ""} ${objectRef.name}`]
      : [],
  );
  return created.filter((object, index) => created.indexOf(object) !== index);
}
