import type { NetworkPeer } from "../bridge/network.ts";
import type { Labels } from "./metadata.ts";

export type Program = "collector" | "gateway";

/** A group of DNS servers that pods may ask, on UDP and TCP. */
export interface DnsServers {
  readonly to: NetworkPeer;
  readonly port: number;
}

/** What a container gets where its bridge does not say; quantities. */
export interface DefaultResources {
  readonly cpu: { readonly request: string; readonly limit: string };
  /** MiB beside the program's buffer: both request and limit. */
  readonly memoryMebibytes: number;
}

/** What holds for all bridges: the operator's flags. */
export interface OperatorSettings {
  /** The operator's own pods, which ask gateways for their state. */
  readonly operator: { readonly namespace: string; readonly podLabels: Labels };
  readonly clusterDomain: string;
  /** Where the default images are, without a slash behind. */
  readonly registry: string;
  /** Repository and tag in that registry. */
  readonly images: Readonly<Record<Program, string>>;
  /** Names of Secrets with the registry's credentials. */
  readonly imagePullSecrets: readonly string[];
  /** On every object and pod. */
  readonly labels: Labels;
  readonly resources: Readonly<Record<Program, DefaultResources>>;
  /** The group that may read mounted Secrets; undefined where the cluster picks it (OpenShift). */
  readonly fsGroup: number | undefined;
  readonly dns: readonly DnsServers[];
  /** The URL of docs/runbooks/, which alerts lead to. */
  readonly runbooks: string;
}

export const defaultRunbooks = "https://github.com/qrng-bridge/qrng-bridge/blob/main/docs/runbooks";

export const defaultFsGroup = 65_532;

export const defaultResources: OperatorSettings["resources"] = {
  collector: { cpu: { request: "50m", limit: "1" }, memoryMebibytes: 128 },
  gateway: { cpu: { request: "100m", limit: "2" }, memoryMebibytes: 160 },
};

const serversOf = (namespace: string, labels: Labels, port: number): DnsServers => ({
  to: {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    podSelector: { matchLabels: { ...labels } },
  },
  port,
});

/** CoreDNS as most clusters run it, and as OpenShift does, whose pods listen on 5353. */
export const defaultDns: OperatorSettings["dns"] = [
  serversOf("kube-system", { "k8s-app": "kube-dns" }, 53),
  serversOf("openshift-dns", { "dns.operator.openshift.io/daemonset-dns": "default" }, 5353),
];
