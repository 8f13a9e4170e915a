import { BlockList, isIPv4 } from "node:net";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "kubernetes-types/networking/v1.js";

/**
 * Who may connect to whom under NetworkPolicies, as the Kubernetes documentation and the API's field
 * descriptions have it:
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export type Protocol = "TCP" | "UDP" | "SCTP";
type Labels = Readonly<Record<string, string>>;

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly addresses: readonly string[];
  /** By name: a policy may say the name of a port, which each pod resolves for itself. */
  readonly ports?: readonly {
    readonly name: string;
    readonly number: number;
    readonly protocol?: Protocol;
  }[];
  readonly node?: string;
}

/** Something that is no pod: an address outside the cluster, or a node. */
export interface Outside {
  readonly address: string;
  /** Its name, where it is a node of the cluster. */
  readonly node?: string;
}

export type Party = Pod | Outside;

export interface World {
  /** Labels by name; the API server adds `kubernetes.io/metadata.name`. */
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly policies: readonly NetworkPolicy[];
  /** The documentation leaves it open; Cilium says no. */
  readonly ipBlocksMatchPods?: boolean;
}

export interface Connection {
  readonly from: Party;
  readonly to: Party;
  readonly protocol: Protocol;
  /** Of the pod that takes it, behind any Service. */
  readonly port: number;
}

/** Both ends have to allow a connection; who is no pod allows everything. */
export function isAllowed(world: World, connection: Connection): boolean {
  const { from, to } = connection;
  if (from === to) return true;
  if (!isPod(from) && isPod(to) && from.node !== undefined && from.node === to.node) return true;
  return (
    (!isPod(from) || isAllowedBy(world, "Egress", from, connection)) &&
    (!isPod(to) || isAllowedBy(world, "Ingress", to, connection))
  );
}

type Direction = "Ingress" | "Egress";

/** Policies add up; a pod that none selects for a direction is open in it. */
function isAllowedBy(
  world: World,
  direction: Direction,
  pod: Pod,
  connection: Connection,
): boolean {
  const policies = world.policies.filter(
    (policy) => typesOf(policy).includes(direction) && selectsPod(policy, pod),
  );
  if (policies.length === 0) return true;
  const peer = direction === "Ingress" ? connection.from : connection.to;
  return policies.some((policy) =>
    rulesOf(policy, direction).some(
      ({ peers, ports }) =>
        isAnyOrSome(peers, (each) => matchesPeer(world, policy, each, peer)) &&
        isAnyOrSome(ports, (each) => matchesPort(each, connection)),
    ),
  );
}

/** Left out: Ingress, and Egress where there are egress rules. */
function typesOf({ spec }: NetworkPolicy): readonly string[] {
  if (spec?.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes;
  return (spec?.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

function selectsPod({ metadata, spec }: NetworkPolicy, pod: Pod): boolean {
  return (
    namespaceOf({ metadata }) === pod.namespace && matches(spec?.podSelector ?? {}, pod.labels)
  );
}

function namespaceOf({ metadata }: Pick<NetworkPolicy, "metadata">): string {
  return metadata?.namespace ?? "default";
}

function rulesOf({ spec }: NetworkPolicy, direction: Direction) {
  return direction === "Ingress"
    ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
    : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
}

/** A list that is empty or left out in a rule stands for everything. */
function isAnyOrSome<T>(list: readonly T[] | undefined, isOne: (item: T) => boolean): boolean {
  return list === undefined || list.length === 0 || list.some(isOne);
}

function matchesPeer(world: World, policy: NetworkPolicy, peer: NetworkPolicyPeer, party: Party) {
  const { ipBlock, namespaceSelector, podSelector } = peer;
  if (ipBlock !== undefined) {
    if (!isPod(party)) return isInBlock(ipBlock, party.address);
    return (
      world.ipBlocksMatchPods === true && party.addresses.some((one) => isInBlock(ipBlock, one))
    );
  }
  if (!isPod(party)) return false;
  const isInNamespace =
    namespaceSelector === undefined
      ? party.namespace === namespaceOf(policy)
      : matches(namespaceSelector, namespaceLabels(world, party.namespace));
  return isInNamespace && matches(podSelector ?? {}, party.labels);
}

function namespaceLabels({ namespaces }: World, name: string): Labels {
  return { ...namespaces[name], "kubernetes.io/metadata.name": name };
}

function isInBlock({ cidr, except = [] }: IPBlock, address: string): boolean {
  return isInCidr(cidr, address) && !except.some((part) => isInCidr(part, address));
}

function isInCidr(cidr: string, address: string): boolean {
  const [network = "", bits = ""] = cidr.split("/");
  if (isIPv4(network) !== isIPv4(address)) return false;
  const family = isIPv4(network) ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(address, family);
}

function matchesPort(wanted: NetworkPolicyPort, { to, protocol, port }: Connection): boolean {
  if ((wanted.protocol ?? "TCP") !== protocol) return false;
  if (wanted.port === undefined) return true;
  if (typeof wanted.port === "string") return hasPort(to, wanted.port, { protocol, port });
  return port >= wanted.port && port <= (wanted.endPort ?? wanted.port);
}

function hasPort(
  party: Party,
  name: string,
  { protocol, port }: Pick<Connection, "protocol" | "port">,
) {
  if (!isPod(party)) return false;
  return (party.ports ?? []).some(
    (own) => own.name === name && own.number === port && (own.protocol ?? "TCP") === protocol,
  );
}

export function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
) {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          throw new Error(`no such operator: ${operator}`);
      }
    })
  );
}

export function isPod(party: Party): party is Pod {
  return "labels" in party;
}
