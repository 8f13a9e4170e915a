import { BlockList, isIPv4 } from "node:net";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { NetworkPolicy, NetworkPolicyPeer } from "kubernetes-types/networking/v1.js";
import type { Protocol } from "../../common/probe/endpoint.ts";
import type { Labels } from "../build/metadata.ts";

/** A pod of the bridge's namespace. */
export interface Pod {
  readonly labels: Labels;
  readonly addresses: readonly string[];
}

export interface Connection {
  readonly from: Pod;
  readonly to: Pod;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Policies {
  readonly namespace: string;
  readonly all: readonly NetworkPolicy[];
}

/**
 * Whether the policies block a connection between two pods whatever they do not show: the labels of
 * namespaces, and whether blocks of addresses match pods. What may be allowed is not closed.
 */
export function isClosed(policies: Policies, { from, to, protocol, port }: Connection): boolean {
  const mayPass = ({ peers, ports }: Rule, other: Pod): boolean =>
    ports.some((each) => each.protocol === protocol && each.port === port) &&
    peers.some((peer) => mayMatch(policies.namespace, peer, other));
  const leaves = egressOf(policies, from);
  const enters = ingressOf(policies, to);
  return (
    (leaves !== undefined && !leaves.some((rule) => mayPass(rule, to))) ||
    (enters !== undefined && !enters.some((rule) => mayPass(rule, from)))
  );
}

/** The same for the DNS servers, whose addresses and ports behind their Service nobody here knows. */
export function isClosedToDns(policies: Policies, from: Pod): boolean {
  const rules = egressOf(policies, from);
  // Nothing but DNS is ever opened for UDP.
  return rules !== undefined && !rules.some(({ ports }) => ports.some(isForDns));
}

const isForDns = ({ protocol, port }: Port): boolean => protocol === "UDP" || port === 53;

/** The same for the API server: selectors match pods alone, and one address is that of a source. */
export function isClosedToApiServer(policies: Policies, from: Pod): boolean {
  const rules = egressOf(policies, from);
  return (
    rules !== undefined &&
    !rules.some(({ peers }) => peers.some(({ ipBlock }) => ipBlock && !isOneAddress(ipBlock.cidr)))
  );
}

interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
}

interface Rule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly Port[];
}

/** Undefined for a pod that no policy selects: it is open. */
function egressOf(policies: Policies, pod: Pod): Rule[] | undefined {
  return selecting(policies, pod)?.flatMap(({ spec }) =>
    (spec?.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports })),
  );
}

function ingressOf(policies: Policies, pod: Pod): Rule[] | undefined {
  return selecting(policies, pod)?.flatMap(({ spec }) =>
    (spec?.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports })),
  );
}

/** The builders' policies are for both directions, and their rules name peers and ports. */
function selecting({ all }: Policies, { labels }: Pod): readonly NetworkPolicy[] | undefined {
  const found = all.filter(({ spec }) => mayMatchLabels(spec?.podSelector, labels));
  return found.length === 0 ? undefined : found;
}

function mayMatch(
  namespace: string,
  { ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer,
  pod: Pod,
): boolean {
  if (ipBlock !== undefined) {
    const { cidr, except = [] } = ipBlock;
    const isIn = (address: string): boolean =>
      contains(cidr, address) && !except.some((part) => contains(part, address));
    return pod.addresses.some(isIn);
  }
  // Of a namespace's labels its name alone is known.
  const name = namespaceSelector?.matchLabels?.["kubernetes.io/metadata.name"];
  return (name === undefined || name === namespace) && mayMatchLabels(podSelector, pod.labels);
}

function mayMatchLabels(selector: LabelSelector | undefined, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "In") return value !== undefined && values.includes(value);
      if (operator === "NotIn") return value === undefined || !values.includes(value);
      return (operator === "Exists") === (value !== undefined);
    })
  );
}

function contains(cidr: string, address: string): boolean {
  const [network = "", bits = ""] = cidr.split("/");
  if (isIPv4(network) !== isIPv4(address)) return false;
  const family = isIPv4(network) ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(address, family);
}

function isOneAddress(cidr: string): boolean {
  const [network = "", bits] = cidr.split("/");
  return bits === (isIPv4(network) ? "32" : "128");
}
