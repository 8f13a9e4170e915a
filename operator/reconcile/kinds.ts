import { group, kind, version } from "../bridge/schema.ts";
import type { OwnedObject } from "../build/metadata.ts";
import { apiVersion, type Resource } from "../api/resources.ts";

export const bridges: Resource = { group, version, kind, plural: "qrngbridges" };

const core = (kind: string, plural: string): Resource => ({
  group: "",
  version: "v1",
  kind,
  plural,
});

export const pods = core("Pod", "pods");
export const secrets = core("Secret", "secrets");
export const configMaps = core("ConfigMap", "configmaps");
export const deployments: Resource = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
};

/** Kinds of what a bridge owns that every cluster has. */
export const ownedKinds: readonly Resource[] = [
  core("ServiceAccount", "serviceaccounts"),
  configMaps,
  secrets,
  core("Service", "services"),
  deployments,
  {
    group: "networking.k8s.io",
    version: "v1",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
  },
  { group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets" },
];

const monitoring = "monitoring.coreos.com";

/** Kinds of what a bridge owns that a cluster may lack, by their names in the facts. */
export const optionalKinds = {
  certificate: {
    group: "cert-manager.io",
    version: "v1",
    kind: "Certificate",
    plural: "certificates",
  },
  serviceMonitor: {
    group: monitoring,
    version: "v1",
    kind: "ServiceMonitor",
    plural: "servicemonitors",
  },
  prometheusRule: {
    group: monitoring,
    version: "v1",
    kind: "PrometheusRule",
    plural: "prometheusrules",
  },
} as const satisfies Readonly<Record<string, Resource>>;

export type OptionalKind = keyof typeof optionalKinds;
export const optionalNames = Object.keys(optionalKinds) as readonly OptionalKind[];

const byKind = new Map(
  [...ownedKinds, ...Object.values<Resource>(optionalKinds)].map((resource) => [
    `${apiVersion(resource)} ${resource.kind}`,
    resource,
  ]),
);

/** Where objects of a built object's kind are. */
export function resourceOf({ apiVersion, kind }: OwnedObject): Resource {
  const found = byKind.get(`${apiVersion} ${kind}`);
  if (found === undefined) throw new Error(`no owned kind: ${apiVersion} ${kind}`);
  return found;
}
