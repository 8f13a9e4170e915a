import type {
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "kubernetes-types/networking/v1.js";
import type { NetworkPeer } from "../bridge/network.ts";
import { type Destination, dnsOf, outsideOf } from "./destinations.ts";
import type { Facts } from "./facts.ts";
import { type Owned, ownedMetadata, zonePods } from "./metadata.ts";
import { collectorName, gatewayName } from "./names.ts";
import { ports } from "./ports.ts";
import type { Program } from "./settings.ts";

type PolicyFacts = Pick<Facts, "bridge" | "settings">;
type Peers = readonly (NetworkPeer | NetworkPolicyPeer)[];

/**
 * The collector's zone: out to what its topology names, in from nobody but who scrapes it. A rule
 * without peers would be open to everybody, so `into` and `outTo` leave it out.
 */
export function buildCollectorPolicy(facts: PolicyFacts): Owned<NetworkPolicy> {
  const { spec } = facts.bridge;
  const gateways = spec.topology === "InCluster" ? [podsOf(facts, "gateway")] : [];
  return buildPolicy(facts, "collector", collectorName(facts.bridge), {
    ingress: into(spec.monitoring?.scrapeFrom, ports.management.number.collector),
    egress: [
      ...outTo(gateways, [tcp(ports.push.number)]),
      ...outsideRules(outsideOf(facts, "collector")),
      ...dnsRules(facts, "collector"),
    ],
  });
}

/** The gateways' zone: in from those whom each port is for, out to nobody but what they need. */
export function buildGatewayPolicy(facts: PolicyFacts): Owned<NetworkPolicy> {
  const { spec } = facts.bridge;
  return buildPolicy(facts, "gateway", gatewayName(facts.bridge), {
    ingress: [
      ...into(spec.gateway.clients ?? ownNamespace, ports.api.number),
      ...into(pushers(facts), ports.push.number),
      ...into(
        [operatorPods(facts), ...(spec.monitoring?.scrapeFrom ?? [])],
        ports.management.number.gateway,
      ),
    ],
    egress: [...outsideRules(outsideOf(facts, "gateway")), ...dnsRules(facts, "gateway")],
  });
}

interface Rules {
  readonly ingress: NetworkPolicyIngressRule[];
  readonly egress: NetworkPolicyEgressRule[];
}

function buildPolicy(
  facts: PolicyFacts,
  zone: Program,
  name: string,
  rules: Rules,
): Owned<NetworkPolicy> {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: ownedMetadata(facts, name, { component: zone }),
    spec: {
      podSelector: { matchLabels: zonePods(facts, zone) },
      policyTypes: ["Ingress", "Egress"],
      ...rules,
    },
  };
}

const ownNamespace: Peers = [{ podSelector: {} }];

function podsOf(facts: PolicyFacts, zone: Program): NetworkPolicyPeer {
  return { podSelector: { matchLabels: zonePods(facts, zone) } };
}

function pushers(facts: PolicyFacts): Peers {
  const { topology, gateway } = facts.bridge.spec;
  const others = gateway.push?.from ?? [];
  return topology === "InCluster" ? [podsOf(facts, "collector"), ...others] : others;
}

/** It reads which keys gateways know, and whether bytes flow. */
function operatorPods({ settings: { operator } }: PolicyFacts): NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": operator.namespace } },
    podSelector: { matchLabels: { ...operator.podLabels } },
  };
}

function outsideRules(destinations: readonly Destination[]): NetworkPolicyEgressRule[] {
  return destinations.flatMap(({ reach }) => (reach ? outTo(reach.to, reach.ports.map(tcp)) : []));
}

function dnsRules(facts: PolicyFacts, zone: Program): NetworkPolicyEgressRule[] {
  return dnsOf(facts, zone).flatMap(({ to, port }) =>
    outTo([to], [{ protocol: "UDP", port }, tcp(port)]),
  );
}

const tcp = (port: number): NetworkPolicyPort => ({ protocol: "TCP", port });

function into(peers: Peers | undefined, port: number): NetworkPolicyIngressRule[] {
  if (peers === undefined || peers.length === 0) return [];
  return [{ from: [...peers] as NetworkPolicyPeer[], ports: [tcp(port)] }];
}

function outTo(peers: Peers, ports: NetworkPolicyPort[]): NetworkPolicyEgressRule[] {
  return peers.length === 0 ? [] : [{ to: [...peers] as NetworkPolicyPeer[], ports }];
}
