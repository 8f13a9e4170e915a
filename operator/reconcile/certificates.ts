import type { StoredBridge } from "../bridge/schema.ts";
import { serverIdentity } from "../build/certificates.ts";
import type { Facts } from "../build/facts.ts";
import {
  collectorAuthorityName,
  collectorIdentity,
  collectorIssuedName,
  collectorTlsName,
  gatewayAuthorityName,
  gatewayIssuedName,
  gatewayTlsName,
} from "../build/names.ts";
import { type Chain, type ChainStep, renewChain } from "../certificates/chain.ts";
import { readPair } from "../certificates/inspect.ts";
import type { SecretInput } from "./secrets.ts";

/** For the bridge's status. */
export interface CertificateStatus {
  /** Names of Secrets whose certificate is not there yet. */
  readonly missing: readonly string[];
  /** When the first of them ends, and when the next is renewed; undefined where there is none. */
  readonly dates: { readonly end: Date; readonly renewal: Date } | undefined;
}

export interface CertificateDecision {
  readonly secrets: Omit<Facts["secrets"], "signing" | "clientKey" | "gatewayKeys">;
  readonly trust: Facts["trust"];
  readonly shown: Facts["shown"];
  readonly status: CertificateStatus;
  readonly steps: readonly ChainStep[];
  readonly lookAgain: number;
}

const defaultSeconds = 7_776_000;
const defaultPropagation = 120;

/** The sides that show a certificate of the bridge's own. */
function sidesOf({ spec }: StoredBridge): { gateway: boolean; collector: boolean } {
  const { topology, collector } = spec;
  return {
    gateway: topology !== "CollectorOnly",
    collector:
      topology === "InCluster" ||
      (topology === "CollectorOnly" && collector?.push?.clientCertificateRef === undefined),
  };
}

/**
 * The bridge's own CAs and leaves, or with `tls.issuerRef` what cert-manager has made. A bridge that
 * has shown its own goes on with them until all of that is there: else nobody could connect.
 */
export async function decideCertificates(input: SecretInput): Promise<CertificateDecision> {
  const { bridge, stored } = input;
  const sides = sidesOf(bridge);
  if (bridge.spec.tls?.issuerRef === undefined) return renewOwn(input, sides);
  const issued = readIssued(input, sides);
  const { missing } = issued.status;
  const own = [
    ...(sides.gateway ? [gatewayAuthorityName, gatewayTlsName] : []),
    ...(sides.collector ? [collectorAuthorityName, collectorTlsName] : []),
  ];
  const hasOwn = own.every((nameOf) => stored.data(nameOf(bridge)) !== undefined);
  if (missing.length === 0 || !hasOwn) return issued;
  const decision = await renewOwn(input, sides);
  return { ...decision, status: { ...decision.status, missing } };
}

async function renewOwn(
  input: SecretInput,
  sides: ReturnType<typeof sidesOf>,
): Promise<CertificateDecision> {
  const { bridge } = input;
  const gateway = sides.gateway ? await renewGateway(input) : undefined;
  const collector = sides.collector ? await renewCollector(input) : undefined;
  const chains = [gateway, collector].filter((chain) => chain !== undefined);
  const [gatewayLeaf, collectorLeaf] = [gateway?.leaves["gateway"], collector?.leaves["collector"]];
  return {
    secrets: {
      gatewayAuthority: gateway?.authority,
      collectorAuthority: collector?.authority,
      gatewayLeaf,
      collectorLeaf,
    },
    trust: { servers: gateway?.bundle, collectors: collector?.bundle },
    shown: "bridge",
    status: describe(bridge, [
      ...(gateway ? [{ name: gatewayTlsName(bridge), certificate: gatewayLeaf?.["tls.crt"] }] : []),
      ...(collector
        ? [{ name: collectorTlsName(bridge), certificate: collectorLeaf?.["tls.crt"] }]
        : []),
    ]),
    steps: chains.flatMap(({ steps }) => steps),
    lookAgain: Math.min(Infinity, ...chains.map(({ lookAgain }) => lookAgain)),
  };
}

function renewGateway(input: SecretInput): Promise<Chain> {
  const { bridge, stored } = input;
  const { dnsNames, ipAddresses } = serverIdentity(input);
  return renewChain({
    ...timing(input),
    stored: {
      authority: stored.data(gatewayAuthorityName(bridge)) ?? {},
      leaves: { gateway: stored.data(gatewayTlsName(bridge)) ?? {} },
      bundles: [stored.bundles.servers],
    },
    spec: {
      name: `QRNG Bridge ${bridge.metadata.name} gateways`,
      usage: "server",
      leaves: { gateway: [...dnsNames, ...ipAddresses] },
      certificateSeconds: certificateSeconds(bridge),
    },
  });
}

function renewCollector(input: SecretInput): Promise<Chain> {
  const { bridge, stored } = input;
  const identity = collectorIdentity(bridge);
  return renewChain({
    ...timing(input),
    stored: {
      authority: stored.data(collectorAuthorityName(bridge)) ?? {},
      leaves: { collector: stored.data(collectorTlsName(bridge)) ?? {} },
      bundles: [stored.bundles.collectors],
    },
    spec: {
      name: `QRNG Bridge ${bridge.metadata.name} collector`,
      usage: "client",
      permittedNames: [identity],
      leaves: { collector: [identity] },
      certificateSeconds: certificateSeconds(bridge),
    },
  });
}

function timing({ bridge, now }: SecretInput) {
  const propagationSeconds = bridge.spec.signing?.propagationSeconds ?? defaultPropagation;
  return { propagationSeconds, now };
}

function certificateSeconds({ spec }: StoredBridge): number {
  return spec.tls?.certificateSeconds ?? defaultSeconds;
}

/** What cert-manager has written by now. */
function readIssued(
  { bridge, stored }: SecretInput,
  sides: ReturnType<typeof sidesOf>,
): CertificateDecision {
  const gateway = sides.gateway ? gatewayIssuedName(bridge) : undefined;
  const collector = sides.collector ? collectorIssuedName(bridge) : undefined;
  const issued = (name: string | undefined) => (name === undefined ? undefined : stored.data(name));
  const names = [gateway, collector].filter((name) => name !== undefined);
  return {
    secrets: {},
    trust: {
      servers: issued(gateway)?.["ca.crt"],
      collectors: issued(collector)?.["ca.crt"],
    },
    shown: "cert-manager",
    status: describe(
      bridge,
      names.map((name) => ({ name, certificate: issued(name)?.["tls.crt"] })),
    ),
    steps: [],
    lookAgain: Infinity,
  };
}

interface Shown {
  readonly name: string;
  /** PEM; an issuer may put its own certificates behind. */
  readonly certificate: string | undefined;
}

function describe(bridge: StoredBridge, shown: readonly Shown[]): CertificateStatus {
  const read = shown.map(({ name, certificate }) => ({ name, pair: readFirst(certificate) }));
  const ends = read.flatMap(({ pair }) => (pair ? [pair.parsed.validToDate.getTime()] : []));
  const end = Math.min(...ends);
  const renewal = end - (certificateSeconds(bridge) * 1000) / 3;
  return {
    missing: read.flatMap(({ name, pair }) => (pair === undefined ? [name] : [])),
    dates: ends.length === 0 ? undefined : { end: new Date(end), renewal: new Date(renewal) },
  };
}

const firstCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

function readFirst(pem: string | undefined) {
  return readPair(firstCertificate.exec(pem ?? "")?.[0], undefined);
}
