import { optionalGatewayFields } from "./gateway.ts";
import type { Rules } from "./rule.ts";
import type { BridgeSpec } from "./spec.ts";

/** A field that has no function in a topology is refused there, not ignored. */
export const topologyRules = {
  sourcesNeeded: {
    path: ["sources"],
    cel: "self.topology == 'GatewayOnly' || size(self.sources) > 0",
    holds: ({ topology, sources }) => topology === "GatewayOnly" || sources.length > 0,
    message: "needs at least one source; add where the random bytes come from",
  },
  sourcesElsewhere: {
    path: ["sources"],
    cel: "self.topology != 'GatewayOnly' || size(self.sources) == 0",
    holds: ({ topology, sources }) => topology !== "GatewayOnly" || sources.length === 0,
    message: "has no function with topology GatewayOnly: the collector has them; leave it out",
  },
  mixing: {
    path: ["mixing"],
    cel: "self.topology != 'GatewayOnly' || !has(self.mixing)",
    holds: ({ topology, mixing }) => topology !== "GatewayOnly" || mixing === undefined,
    message: "has no function with topology GatewayOnly: the collector mixes; leave it out",
  },
  healthTests: {
    path: ["healthTests"],
    cel: "self.topology != 'GatewayOnly' || !has(self.healthTests)",
    holds: ({ topology, healthTests }) => topology !== "GatewayOnly" || healthTests === undefined,
    message: "has no function with topology GatewayOnly: the collector tests; leave it out",
  },
  collector: {
    path: ["collector"],
    cel: "!has(self.collector) || self.topology in ['InCluster', 'CollectorOnly']",
    holds: ({ topology, collector }) => collector === undefined || hasCollector(topology),
    message: "has no function with topologies Direct and GatewayOnly; leave it out",
  },
  pushOutNeeded: {
    path: ["collector"],
    cel: "self.topology != 'CollectorOnly' || (has(self.collector) && has(self.collector.push))",
    holds: ({ topology, collector }) =>
      topology !== "CollectorOnly" || collector?.push !== undefined,
    message: "topology CollectorOnly needs collector.push.urls, one for each gateway instance",
  },
  pushOut: {
    path: ["collector"],
    cel: "self.topology != 'InCluster' || !has(self.collector) || !has(self.collector.push)",
    holds: ({ topology, collector }) => topology !== "InCluster" || collector?.push === undefined,
    message: "push has no function with topology InCluster, which knows its gateways; leave it out",
  },
  gateway: {
    path: ["gateway"],
    cel: `self.topology != 'CollectorOnly' || (${optionalGatewayFields
      .map((name) => `!has(self.gateway.${name})`)
      .join(" && ")})`,
    holds: ({ topology, gateway }) =>
      topology !== "CollectorOnly" ||
      optionalGatewayFields.every((name) => gateway[name] === undefined),
    message: "has no function with topology CollectorOnly: the gateway is elsewhere; leave it out",
  },
  pushInDirect: {
    path: ["gateway", "push"],
    cel: "self.topology != 'Direct' || !has(self.gateway.push)",
    holds: ({ topology, gateway }) => topology !== "Direct" || gateway.push === undefined,
    message: "has no function with topology Direct: nothing is pushed; leave it out",
  },
  pushOfOwnCollector: {
    path: ["gateway", "push"],
    cel:
      "self.topology != 'InCluster' || !has(self.gateway.push) || " +
      "(!has(self.gateway.push.service) && !has(self.gateway.push.clientCARef) && " +
      "!has(self.gateway.push.clientName) && !has(self.gateway.push.audience))",
    holds: ({ topology, gateway: { push } }) =>
      topology !== "InCluster" ||
      [push?.service, push?.clientCARef, push?.clientName, push?.audience].every(
        (field) => field === undefined,
      ),
    message: "service, clientCARef, clientName and audience go with GatewayOnly; leave them out",
  },
  pushFromOwnCollector: {
    path: ["gateway", "push"],
    cel:
      "self.topology != 'InCluster' || !has(self.gateway.push) || !has(self.gateway.push.from) || " +
      "(has(self.gateway.push.acceptUnbound) && self.gateway.push.acceptUnbound)",
    holds: ({ topology, gateway: { push } }) =>
      topology !== "InCluster" || push?.from === undefined || push.acceptUnbound === true,
    message:
      "from is for other senders: with InCluster it needs acceptUnbound: true; or leave it out",
  },
  pushFromNeeded: {
    path: ["gateway"],
    cel:
      "self.topology != 'GatewayOnly' || " +
      "(has(self.gateway.push) && has(self.gateway.push.from) && size(self.gateway.push.from) > 0)",
    holds: ({ topology, gateway: { push } }) =>
      topology !== "GatewayOnly" || (push?.from ?? []).length > 0,
    message: "topology GatewayOnly needs push.from, the addresses that the collector comes from",
  },
  clientCaNeeded: {
    path: ["gateway"],
    cel:
      "self.topology != 'GatewayOnly' || (has(self.gateway.push) && " +
      "(has(self.gateway.push.clientCARef) || " +
      "(has(self.gateway.push.acceptUnbound) && self.gateway.push.acceptUnbound)))",
    holds: ({ topology, gateway: { push } }) =>
      topology !== "GatewayOnly" || push?.clientCARef !== undefined || push?.acceptUnbound === true,
    message:
      "topology GatewayOnly needs push.clientCARef, the CA that signs the collector's certificate",
  },
  oneReplica: {
    path: ["gateway", "replicas"],
    cel: "self.topology != 'GatewayOnly' || self.gateway.replicas <= 1",
    holds: ({ topology, gateway }) => topology !== "GatewayOnly" || gateway.replicas <= 1,
    message: "topology GatewayOnly is one instance: set 1, and make a bridge for each further one",
  },
  hashElsewhere: {
    path: ["gateway"],
    cel:
      "self.topology != 'GatewayOnly' || !has(self.gateway.conditioning) || " +
      "self.gateway.conditioning != 'Hash'",
    holds: ({ topology, gateway }) => topology !== "GatewayOnly" || gateway.conditioning !== "Hash",
    message: "conditioning Hash needs to know the sources; with GatewayOnly use None or XorSystem",
  },
  signing: {
    path: ["signing"],
    cel: "self.topology != 'Direct' || !has(self.signing)",
    holds: ({ topology, signing }) => topology !== "Direct" || signing === undefined,
    message: "has no function with topology Direct: no packet is signed; leave it out",
  },
  sharedKey: {
    path: ["signing"],
    cel:
      "!(self.topology in ['CollectorOnly', 'GatewayOnly']) || " +
      "(has(self.signing) && has(self.signing.secretRef))",
    holds: ({ topology, signing }) =>
      !["CollectorOnly", "GatewayOnly"].includes(topology) || signing?.secretRef !== undefined,
    message:
      "topologies CollectorOnly and GatewayOnly need signing.secretRef, the key that both sides have",
  },
  oneWayCheck: {
    path: ["oneWayCheck"],
    cel: "self.topology != 'Direct' || !has(self.oneWayCheck)",
    holds: ({ topology, oneWayCheck }) => topology !== "Direct" || oneWayCheck === undefined,
    message: "has no function with topology Direct, which has no two zones; leave it out",
  },
  requireVerified: {
    path: ["oneWayCheck"],
    cel:
      "self.topology != 'GatewayOnly' || !has(self.oneWayCheck) || " +
      "self.oneWayCheck.enforcement == 'Report'",
    holds: ({ topology, oneWayCheck }) =>
      topology !== "GatewayOnly" || oneWayCheck?.enforcement !== "Require",
    message: "enforcement Require holds back a collector; with GatewayOnly use Report",
  },
} satisfies Rules<BridgeSpec>;

function hasCollector(topology: BridgeSpec["topology"]): boolean {
  return topology === "InCluster" || topology === "CollectorOnly";
}
