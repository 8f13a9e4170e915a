import { isIP } from "node:net";
import type { Facts } from "./facts.ts";
import { bridgeLabel, type Component, type OwnedObject, ownedMetadata } from "./metadata.ts";
import { collectorIdentity, collectorIssuedName, gatewayIssuedName, serverNames } from "./names.ts";

/** cert-manager.io/v1 Certificate: the fields that are written here. */
export interface Certificate extends OwnedObject {
  readonly spec: {
    readonly secretName: string;
    readonly secretTemplate: { readonly labels: Readonly<Record<string, string>> };
    readonly issuerRef: { readonly name: string; readonly kind: string; readonly group: string };
    readonly dnsNames: readonly string[];
    readonly ipAddresses?: readonly string[];
    readonly usages: readonly string[];
    readonly duration: string;
    readonly renewBefore: string;
    readonly privateKey: {
      readonly algorithm: "ECDSA";
      readonly size: 256;
      readonly rotationPolicy: "Always";
    };
  };
}

const defaultSeconds = 7_776_000;

/** What the gateways' certificate is for. */
export interface ServerIdentity {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** The Services' names, and with GatewayOnly the address that the collector elsewhere connects to. */
export function serverIdentity({
  bridge,
  settings,
}: Pick<Facts, "bridge" | "settings">): ServerIdentity {
  const host = bridge.spec.gateway.push?.audience?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const names = serverNames(bridge, settings.clusterDomain);
  if (host === undefined) return { dnsNames: names, ipAddresses: [] };
  return isIP(host) === 0
    ? { dnsNames: [...names, host], ipAddresses: [] }
    : { dnsNames: names, ipAddresses: [host] };
}

/** cert-manager's Certificates, when `tls.issuerRef` is set. */
export function buildCertificates(facts: Facts): Certificate[] {
  const { bridge } = facts;
  const { topology, collector } = bridge.spec;
  const hasGateway = topology !== "CollectorOnly";
  const hasCollector =
    topology === "InCluster" ||
    (topology === "CollectorOnly" && collector?.push?.clientCertificateRef === undefined);
  const forCollector = { dnsNames: [collectorIdentity(bridge)], ipAddresses: [] };
  return [
    ...(hasGateway
      ? buildCertificate(facts, gatewayIssuedName(bridge), "gateway", serverIdentity(facts))
      : []),
    ...(hasCollector
      ? buildCertificate(facts, collectorIssuedName(bridge), "collector", forCollector)
      : []),
  ];
}

function buildCertificate(
  facts: Facts,
  name: string,
  component: Component,
  { dnsNames, ipAddresses }: ServerIdentity,
): Certificate[] {
  const { metadata, spec } = facts.bridge;
  const { issuerRef, certificateSeconds = defaultSeconds } = spec.tls ?? {};
  if (issuerRef === undefined) return [];
  return [
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: ownedMetadata(facts, name, { component }),
      spec: {
        secretName: name,
        // The operator sees no Secret without it.
        secretTemplate: { labels: { [bridgeLabel]: metadata.name } },
        issuerRef,
        dnsNames,
        ...(ipAddresses.length === 0 ? {} : { ipAddresses }),
        usages: ["digital signature", component === "collector" ? "client auth" : "server auth"],
        duration: goDuration(certificateSeconds),
        renewBefore: goDuration(Math.floor(certificateSeconds / 3)),
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      },
    },
  ];
}

/** As Go prints it, so that an answer of the API server equals what was sent. */
function goDuration(seconds: number): string {
  const rest = seconds % 3600;
  return `${Math.floor(seconds / 3600)}h${Math.floor(rest / 60)}m${rest % 60}s`;
}
