import { proxyRules, pushOutRules } from "../../operator/bridge/collector.ts";
import { certificateRules } from "../../operator/bridge/certificateRules.ts";
import { egressRules } from "../../operator/bridge/egressRules.ts";
import { flowRules } from "../../operator/bridge/flowRules.ts";
import { gatewayRules } from "../../operator/bridge/gateway.ts";
import { ipBlockRules, peerRules, requirementRules } from "../../operator/bridge/network.ts";
import { podRules } from "../../operator/bridge/pod.ts";
import { redisRules } from "../../operator/bridge/redis.ts";
import type { BridgeInput } from "../../operator/bridge/schema.ts";
import { signingRules } from "../../operator/bridge/signing.ts";
import { sourceRules } from "../../operator/bridge/source.ts";
import { topologyRules } from "../../operator/bridge/topologyRules.ts";

/**
 * For every rule a spec that it accepts and a spec that it alone refuses. Both judges of the rules,
 * this project's schemas and a real API server, are put before them.
 */
type Spec = BridgeInput["spec"];
type Source = NonNullable<Spec["sources"]>[number];
type Gateway = NonNullable<Spec["gateway"]>;
type Peer = NonNullable<Gateway["clients"]>[number];

interface Example {
  readonly accepted: Spec;
  readonly refused: Spec;
}

const lab: Source = { name: "lab", type: "Quantis", url: "https://192.0.2.10" };
const bench: Source = { name: "bench", type: "Quantis", url: "https://[2001:db8::7]:8443" };
const named: Source = { ...lab, url: "https://qrng.example" };
const egress = { to: [{ ipBlock: { cidr: "192.0.2.10/32" } }] };
const token = { name: "lab-token", key: "token" };
const ca = { kind: "ConfigMap", name: "lab-ca", key: "ca.crt" } as const;

const inCluster = (fields: Partial<Spec> = {}): Spec => ({ sources: [lab], ...fields });
const withSource = (fields: Partial<Source>): Spec => ({ sources: [{ ...lab, ...fields }] });
const withGateway = (gateway: Gateway): Spec => inCluster({ gateway });
const withClient = (peer: Peer): Spec => withGateway({ clients: [peer] });
const direct = (fields: Partial<Spec> = {}): Spec => inCluster({ topology: "Direct", ...fields });

const pushOut = { urls: ["https://198.51.100.7:7765/push"] };
const collectorOnly = (fields: Partial<Spec> = {}): Spec => ({
  topology: "CollectorOnly",
  sources: [lab],
  collector: { push: pushOut },
  signing: { secretRef: token },
  ...fields,
});

const pushIn = { from: [{ ipBlock: { cidr: "198.51.100.0/24" } }], clientCARef: ca };
const gatewayOnly = (fields: Partial<Spec> = {}): Spec => ({
  topology: "GatewayOnly",
  gateway: { replicas: 1, push: pushIn },
  signing: { secretRef: token },
  ...fields,
});

type Examples<Table> = Readonly<Record<keyof Table, Example>>;

const topologyExamples: Examples<typeof topologyRules> = {
  sourcesNeeded: { accepted: inCluster(), refused: { sources: [] } },
  sourcesElsewhere: { accepted: gatewayOnly(), refused: gatewayOnly({ sources: [lab] }) },
  mixing: {
    accepted: collectorOnly({ mixing: {} }),
    refused: gatewayOnly({ mixing: {} }),
  },
  healthTests: {
    accepted: direct({ healthTests: { alphaExponent: 30 } }),
    refused: gatewayOnly({ healthTests: {} }),
  },
  collector: { accepted: inCluster({ collector: {} }), refused: direct({ collector: {} }) },
  pushOutNeeded: { accepted: collectorOnly(), refused: collectorOnly({ collector: {} }) },
  pushOut: { accepted: collectorOnly(), refused: inCluster({ collector: { push: pushOut } }) },
  gateway: {
    accepted: collectorOnly({ gateway: {} }),
    refused: collectorOnly({ gateway: { bufferBytes: 4096 } }),
  },
  pushInDirect: { accepted: direct(), refused: direct({ gateway: { push: {} } }) },
  pushOfOwnCollector: {
    accepted: gatewayOnly({
      gateway: { replicas: 0, push: { ...pushIn, service: {}, audience: "192.0.2.1:7765" } },
    }),
    refused: withGateway({ push: { clientCARef: ca } }),
  },
  pushFromOwnCollector: {
    accepted: withGateway({ replicas: 1, push: { from: pushIn.from, acceptUnbound: true } }),
    refused: withGateway({ push: { from: pushIn.from } }),
  },
  pushFromNeeded: {
    accepted: gatewayOnly(),
    refused: gatewayOnly({ gateway: { replicas: 1, push: { ...pushIn, from: [] } } }),
  },
  clientCaNeeded: {
    accepted: gatewayOnly({
      gateway: { replicas: 1, push: { from: pushIn.from, acceptUnbound: true } },
    }),
    refused: gatewayOnly({ gateway: { replicas: 1, push: { from: pushIn.from } } }),
  },
  oneReplica: { accepted: gatewayOnly(), refused: gatewayOnly({ gateway: { push: pushIn } }) },
  hashElsewhere: {
    accepted: withGateway({ conditioning: "Hash" }),
    refused: gatewayOnly({ gateway: { replicas: 1, push: pushIn, conditioning: "Hash" } }),
  },
  signing: { accepted: inCluster({ signing: {} }), refused: direct({ signing: {} }) },
  sharedKey: { accepted: gatewayOnly(), refused: collectorOnly({ signing: {} }) },
  oneWayCheck: {
    accepted: collectorOnly({ oneWayCheck: { enforcement: "Require" } }),
    refused: direct({ oneWayCheck: {} }),
  },
  requireVerified: {
    accepted: gatewayOnly({ oneWayCheck: {} }),
    refused: gatewayOnly({ oneWayCheck: { enforcement: "Require" } }),
  },
};

const proxy = { url: "http://192.0.2.20:3128" };
const flowExamples: Examples<typeof flowRules> = {
  tlsThroughProxy: {
    accepted: inCluster({ collector: { proxy } }),
    refused: { ...withSource({ url: "http://localhost" }), collector: { proxy } },
  },
  xorSources: {
    accepted: { sources: [lab, bench], mixing: { strategy: "Xor" } },
    refused: inCluster({ mixing: { strategy: "Xor" } }),
  },
  minSources: {
    accepted: { sources: [lab, bench], mixing: { strategy: "Hash", minSources: 2 } },
    refused: inCluster({ mixing: { strategy: "Hash", minSources: 2 } }),
  },
  chunkInCollector: {
    accepted: { ...withSource({ chunkBytes: 4096 }), collector: { bufferBytes: 4096 } },
    refused: { ...withSource({ chunkBytes: 4097 }), collector: { bufferBytes: 4096 } },
  },
  chunkInGateway: {
    accepted: { ...withSource({ chunkBytes: 4097 }), gateway: { bufferBytes: 4096 } },
    refused: direct({ ...withSource({ chunkBytes: 4097 }), gateway: { bufferBytes: 4096 } }),
  },
  packetInCollector: {
    accepted: inCluster({ collector: { packetBytes: 4096, bufferBytes: 4096 } }),
    refused: inCluster({ collector: { packetBytes: 4097, bufferBytes: 4096 } }),
  },
  packetInGateway: {
    accepted: inCluster({ collector: { packetBytes: 4096 }, gateway: { bufferBytes: 4096 } }),
    refused: inCluster({ collector: { packetBytes: 4097 }, gateway: { bufferBytes: 4096 } }),
  },
};

const egressExamples: Examples<typeof egressRules> = {
  sourceEgress: { accepted: withSource({ ...named, egress }), refused: withSource(named) },
  egressBehindProxy: {
    accepted: { sources: [named], collector: { proxy } },
    refused: { sources: [{ ...named, egress }], collector: { proxy } },
  },
};

const json = { type: "HttpJson", encoding: "Hex" } as const;
const lateSigning = { propagationSeconds: 1200, overlapSeconds: 1260 };
const certificateExamples: Examples<typeof certificateRules> = {
  renewal: {
    accepted: inCluster({ tls: { certificateSeconds: 3600 }, signing: lateSigning }),
    refused: inCluster({
      tls: { certificateSeconds: 3600 },
      signing: { propagationSeconds: 1201, overlapSeconds: 1261 },
    }),
  },
};

const sourceExamples: Examples<typeof sourceRules> = {
  keyNeeded: {
    accepted: withSource({ type: "Aqn", authSecretRef: token }),
    refused: withSource({ type: "Qrypt" }),
  },
  keyRefused: {
    accepted: withSource({ type: "HttpBytes", authSecretRef: token }),
    refused: withSource({ authSecretRef: token }),
  },
  query: {
    accepted: withSource({ type: "HttpBytes", url: "https://192.0.2.7/random?size={bytes}" }),
    refused: withSource({ url: "https://192.0.2.7/{bytes}" }),
  },
  secretInUrl: {
    accepted: withSource({ type: "HttpBytes", url: "https://192.0.2.7/token?size=1" }),
    refused: withSource({ type: "HttpBytes", url: "https://192.0.2.7/?size=1&ApiKey=x" }),
  },
  header: {
    accepted: withSource({ type: "HttpBytes", authSecretRef: token, authHeader: "X-API-Key" }),
    refused: withSource({ type: "HttpBytes", authHeader: "X-API-Key" }),
  },
  plaintext: {
    accepted: withSource({ caRef: ca }),
    refused: withSource({ url: "http://127.0.0.1:8080", caRef: ca }),
  },
  place: {
    accepted: withSource({ ...json, path: "data.random[0]" }),
    refused: withSource({ type: "HttpBytes", path: "data" }),
  },
  encoding: { accepted: withSource(json), refused: withSource({ type: "HttpJson" }) },
  anuChunk: {
    accepted: withSource({ type: "Anu", chunkBytes: 1024 }),
    refused: withSource({ type: "Anu", chunkBytes: 1025 }),
  },
  qryptChunk: {
    accepted: withSource({ type: "Qrypt", chunkBytes: 524_288, authSecretRef: token }),
    refused: withSource({ type: "Qrypt", chunkBytes: 1025, authSecretRef: token }),
  },
  pause: {
    accepted: withSource({ type: "Anu", intervalMilliseconds: 60_000 }),
    refused: withSource({ type: "Anu", intervalMilliseconds: 59_999 }),
  },
  simulated: {
    accepted: withSource({ simulated: true }),
    refused: withSource({ type: "Anu", simulated: true }),
  },
};

const proxyExamples: Examples<typeof proxyRules> = {
  egress: {
    accepted: inCluster({ collector: { proxy: { url: "http://proxy:3128", egress } } }),
    refused: inCluster({ collector: { proxy: { url: "http://proxy:3128" } } }),
  },
};

const toName = { urls: [...pushOut.urls, "https://gateway.example:7765/push"] };
const pushOutExamples: Examples<typeof pushOutRules> = {
  egress: {
    accepted: collectorOnly({ collector: { push: { ...toName, egress } } }),
    refused: collectorOnly({ collector: { push: toName } }),
  },
};

const redisExamples: Examples<typeof redisRules> = {
  egress: {
    accepted: withGateway({ redis: { url: "rediss://user@redis:6379/0", egress } }),
    refused: withGateway({ redis: { url: "rediss://redis:6379/0" } }),
  },
};

const gatewayExamples: Examples<typeof gatewayRules> = {
  request: {
    accepted: withGateway({ maxRequestBytes: 4096, bufferBytes: 4096 }),
    refused: withGateway({ maxRequestBytes: 4097, bufferBytes: 4096 }),
  },
  unboundReplicas: {
    accepted: withGateway({ replicas: 1, push: { acceptUnbound: true } }),
    refused: withGateway({ push: { acceptUnbound: true } }),
  },
};

const signingExamples: Examples<typeof signingRules> = {
  overlap: {
    accepted: inCluster({ signing: { overlapSeconds: 180 } }),
    refused: inCluster({ signing: { overlapSeconds: 180, propagationSeconds: 121 } }),
  },
  rotation: {
    accepted: inCluster({ signing: { rotationSeconds: 3720 } }),
    refused: inCluster({ signing: { rotationSeconds: 3719 } }),
  },
  whoRotates: {
    accepted: inCluster({ signing: { secretRef: token } }),
    refused: inCluster({ signing: { secretRef: token, rotationSeconds: 86_400 } }),
  },
};

const cidr = "10.0.0.0/8";
const ipBlockExamples: Examples<typeof ipBlockRules> = {
  cidr: {
    accepted: withClient({ ipBlock: { cidr: "2001:db8::/64" } }),
    refused: withClient({ ipBlock: { cidr: "10.0.0.0/33" } }),
  },
  except: {
    accepted: withClient({ ipBlock: { cidr, except: ["10.1.0.0/16"] } }),
    refused: withClient({ ipBlock: { cidr, except: ["11.0.0.0/16"] } }),
  },
};

const peerExamples: Examples<typeof peerRules> = {
  oneKind: {
    accepted: withClient({ namespaceSelector: {}, podSelector: { matchLabels: { app: "x" } } }),
    refused: withClient({ ipBlock: { cidr }, podSelector: {} }),
  },
};

const select = (operator: "In" | "Exists", values?: string[]): Spec =>
  withClient({ podSelector: { matchExpressions: [{ key: "app", operator, values }] } });
const requirementExamples: Examples<typeof requirementRules> = {
  values: { accepted: select("In", ["a"]), refused: select("Exists", ["a"]) },
};

const podExamples: Examples<typeof podRules> = {
  labels: {
    accepted: withGateway({ pod: { labels: { "example.com/zone": "gateway" } } }),
    refused: withGateway({ pod: { labels: { "qrngbridge.io/zone": "collector" } } }),
  },
};

/** What of a rule goes into the resource's definition. */
interface Written {
  readonly cel: string;
  readonly message: string;
}

interface NamedExample extends Example, Written {
  readonly name: string;
}

function join<Table extends Readonly<Record<string, Written>>>(
  table: string,
  rules: Table,
  examples: Examples<Table>,
): NamedExample[] {
  return Object.entries(rules).map(([name, { cel, message }]) => ({
    name: `${table}: ${name}`,
    cel,
    message,
    ...examples[name as keyof Table],
  }));
}

export const ruleExamples: readonly NamedExample[] = [
  ...join("topology", topologyRules, topologyExamples),
  ...join("flow", flowRules, flowExamples),
  ...join("egress", egressRules, egressExamples),
  ...join("certificate", certificateRules, certificateExamples),
  ...join("source", sourceRules, sourceExamples),
  ...join("proxy", proxyRules, proxyExamples),
  ...join("push out", pushOutRules, pushOutExamples),
  ...join("redis", redisRules, redisExamples),
  ...join("gateway", gatewayRules, gatewayExamples),
  ...join("signing", signingRules, signingExamples),
  ...join("address block", ipBlockRules, ipBlockExamples),
  ...join("peer", peerRules, peerExamples),
  ...join("label requirement", requirementRules, requirementExamples),
  ...join("pod", podRules, podExamples),
];
