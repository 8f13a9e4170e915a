import type { Bridge } from "../bridge/schema.ts";
import type { Issuer } from "./facts.ts";
import type { Program } from "./settings.ts";

export interface Named {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/**
 * Names of what a bridge owns: at most 63 characters, since a bridge's has at most 40. No suffix
 * ends in another of the same kind, so that no two bridges' objects meet (a test looks).
 */
const own =
  (suffix: string) =>
  ({ metadata: { name } }: Named): string =>
    `${name}-${suffix}`;

/** The collector's Deployment, ServiceAccount, NetworkPolicy and management Service. */
export const collectorName = own("collector");
/** The gateways' Deployment, ServiceAccount, NetworkPolicy, PodDisruptionBudget and API Service. */
export const gatewayName = own("gateway");
export const pushServiceName = own("push");
/** The gateways' management Service, and what watches the bridge. */
export const managementName = own("management");

export const collectorConfigName = own("collector-config");
export const gatewayConfigName = own("gateway-config");
/** The ConfigMap with the CAs of the servers' certificates, for clients and the collector. */
export const serverCaName = own("ca");
/** The ConfigMap with the CAs of the collector's certificate, for gateways. */
export const collectorCaName = own("collector-trust");
export const dashboardName = own("dashboard");

export const signingSecretName = own("signing");
/** The Secret with the API keys, for clients. */
export const apiKeysSecretName = own("api-keys");
/** The Secret with their hashes, for gateways. */
export const keyHashesSecretName = own("key-hashes");
/** The Secrets with the CAs of either side's certificates and their keys, which no pod mounts. */
export const gatewayAuthorityName = own("gateway-authority");
export const collectorAuthorityName = own("collector-authority");
export const gatewayTlsName = own("gateway-tls");
export const collectorTlsName = own("collector-tls");
/** The Certificates for cert-manager, and the Secrets that it makes of them: never the bridge's own. */
export const gatewayIssuedName = own("gateway-issued");
export const collectorIssuedName = own("collector-issued");

/** The Secret with the certificate that a side shows. */
export function shownSecretName(bridge: Named, side: Program, issuer: Issuer): string {
  const isIssued = issuer === "cert-manager";
  if (side === "gateway") return isIssued ? gatewayIssuedName(bridge) : gatewayTlsName(bridge);
  return isIssued ? collectorIssuedName(bridge) : collectorTlsName(bridge);
}

/** Host and port of the push listeners, for the collector in the same cluster. */
export function pushHost(bridge: Named): string {
  return `${pushServiceName(bridge)}.${bridge.metadata.namespace}.svc`;
}

/** Every name by which a cluster's DNS knows a bridge's servers. */
export function serverNames(bridge: Named, clusterDomain: string): string[] {
  const { namespace } = bridge.metadata;
  return [gatewayName(bridge), pushServiceName(bridge)].flatMap((service) => [
    service,
    `${service}.${namespace}`,
    `${service}.${namespace}.svc`,
    `${service}.${namespace}.svc.${clusterDomain}`,
  ]);
}

/** The name that a collector's certificate carries and that its gateways ask for. */
export function collectorIdentity({ metadata: { name, namespace } }: Named): string {
  return `collector.${name}.${namespace}.qrngbridge.internal`;
}

/** Whether any of its bytes come from a simulated appliance. */
export function isSimulated({ spec }: Pick<Bridge, "spec">): boolean {
  return spec.sources.some(({ simulated }) => simulated);
}
