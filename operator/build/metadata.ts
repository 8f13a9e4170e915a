import { group, kind, version } from "../bridge/schema.ts";
import type { Facts } from "./facts.ts";
import type { Program } from "./settings.ts";

export type Labels = Readonly<Record<string, string>>;

export const bridgeLabel = `${group}/bridge`;
export const zoneLabel = `${group}/zone`;
const servingLabel = `${group}/serving`;
const componentLabel = "app.kubernetes.io/component";

/** What an object is a part of. */
export type Component = Program | "keys" | "monitoring" | "one-way-check";

interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: true;
}

export interface OwnedMetadata {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** One: without blockOwnerDeletion, which would take rights on the bridge's finalizers. */
  ownerReferences: [OwnerReference];
}

export interface OwnedObject {
  apiVersion: string;
  kind: string;
  metadata: OwnedMetadata;
}

/** An object of a kind as others describe it, with metadata that names its bridge. */
export type Owned<Kind> = Omit<Kind, "metadata"> & OwnedObject;

interface MetadataOptions {
  readonly component: Component;
  readonly labels?: Labels | undefined;
  readonly annotations?: Labels | undefined;
}

export function ownedMetadata(
  facts: Pick<Facts, "bridge" | "settings">,
  name: string,
  { component, labels, annotations }: MetadataOptions,
): OwnedMetadata {
  const { metadata } = facts.bridge;
  return {
    name,
    namespace: metadata.namespace,
    labels: { ...facts.settings.labels, ...labels, ...ownLabels(facts, component) },
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    ownerReferences: [ownerReference(facts.bridge)],
  };
}

export function ownerReference({ metadata: { name, uid } }: Facts["bridge"]): OwnerReference {
  return { apiVersion: `${group}/${version}`, kind, name, uid, controller: true };
}

/**
 * On every object. Not `app.kubernetes.io/instance`, by which Argo CD knows what it has applied
 * itself.
 */
function ownLabels({ bridge }: Pick<Facts, "bridge">, component: Component) {
  return {
    "app.kubernetes.io/name": "qrng-bridge",
    "app.kubernetes.io/managed-by": "qrng-bridge",
    [componentLabel]: component,
    [bridgeLabel]: bridge.metadata.name,
  };
}

/** Whether it only watches the bridge, which does its work without it. */
export function isMonitoring({ metadata }: OwnedObject): boolean {
  return metadata.labels[componentLabel] === ("monitoring" satisfies Component);
}

/** The labels of a program's pods, beside the user's and the mesh's. */
export function podLabels(facts: Pick<Facts, "bridge">, program: Program): Record<string, string> {
  return {
    ...ownLabels(facts, program),
    ...zonePods(facts, program),
    ...(program === "gateway" ? servingPods(facts) : {}),
  };
}

/**
 * A program's own pods: those of its Deployment, whose selector may never change. The check's pods
 * are of another component.
 */
export function programPods({ bridge }: Pick<Facts, "bridge">, program: Program) {
  return { [bridgeLabel]: bridge.metadata.name, [componentLabel]: program };
}

/** All pods of a zone, the check's as well: what NetworkPolicies select. */
export function zonePods({ bridge }: Pick<Facts, "bridge">, zone: Program) {
  return { [bridgeLabel]: bridge.metadata.name, [zoneLabel]: zone };
}

/** The gateways that serve: what Services, the PodDisruptionBudget and the scale select. */
export function servingPods(facts: Pick<Facts, "bridge">) {
  return { ...zonePods(facts, "gateway"), [servingLabel]: "true" };
}

/** The same for `status.selector`. */
export function servingSelector(facts: Pick<Facts, "bridge">): string {
  return Object.entries(servingPods(facts))
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
}
