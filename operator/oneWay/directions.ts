import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { Endpoint, KnownHost, Protocol } from "../../common/probe/endpoint.ts";
import type { BridgeSpec } from "../bridge/spec.ts";
import { outsideOf } from "../build/destinations.ts";
import type { Facts } from "../build/facts.ts";
import { type Labels, zonePods } from "../build/metadata.ts";
import { ports } from "../build/ports.ts";
import type { Program } from "../build/settings.ts";
import { isClosed, isClosedToApiServer, isClosedToDns, type Pod, type Policies } from "./closed.ts";

/** Where a pod of the check stands: in a zone, with its labels, or in none. */
export type Place = Program | "outside";

/** Where a connection goes: to a pod of the check, or to a host. */
export type Target =
  | { readonly place: Place }
  | { readonly host: KnownHost }
  | { readonly name: string; readonly host: string };

/**
 * What a connection is tried for:
 * - `forbidden`: nothing may get through;
 * - `allowed`: the positive control, of which one has to get through;
 * - `reference`: from outside, to show that what is silent for others can be reached.
 */
export type Purpose = "forbidden" | "allowed" | "reference";

export interface Direction {
  readonly from: Place;
  readonly to: Target;
  readonly protocol: Protocol;
  readonly port: number;
  readonly purpose: Purpose;
}

/** What directions follow from. */
export interface Subject {
  readonly facts: Pick<Facts, "bridge" | "settings">;
  /** The bridge's own. */
  readonly policies: readonly NetworkPolicy[];
  /** Of the check's pods that listen. */
  readonly addresses: Readonly<Partial<Record<Place, readonly string[]>>>;
}

export type Addresses = Subject["addresses"];

const protocols = ["TCP", "UDP"] as const;

/** The zones of a topology that has a one-way flow. */
export function zonesOf({ topology }: Pick<BridgeSpec, "topology">): readonly Program[] {
  if (topology === "InCluster") return ["collector", "gateway"];
  return topology === "CollectorOnly" ? ["collector"] : ["gateway"];
}

/** Ports that a pod of the check listens on, for TCP and UDP: its zone's, and one that no rule names. */
export function listenedPorts(place: Place, policies: readonly NetworkPolicy[]): number[] {
  const own = {
    gateway: [ports.api.number, ports.push.number, ports.management.number.gateway],
    collector: [ports.management.number.collector],
    outside: [],
  };
  return [...own[place], unnamedPort(policies)];
}

function unnamedPort(policies: readonly NetworkPolicy[]): number {
  const named = new Set(
    policies.flatMap(({ spec }) =>
      [...(spec?.ingress ?? []), ...(spec?.egress ?? [])].flatMap(({ ports = [] }) =>
        ports.map(({ port }) => port),
      ),
    ),
  );
  let port = 19_464;
  while (named.has(port)) port++;
  return port;
}

/**
 * The labels of a pod at a place. In a zone it has those of the zone's pods that the spec gives, as
 * policies of the users' may select by them; outside no policy of the bridge selects it.
 */
export function placeLabels(facts: Pick<Facts, "bridge">, place: Place, others: Labels): Labels {
  if (place === "outside") return others;
  const given = facts.bridge.spec[place]?.pod?.labels;
  return { ...given, ...others, ...zonePods(facts, place) };
}

/** All that is to be tried, from the policies that the bridge has: what these leave open is no claim. */
export function directionsOf(subject: Subject, others: Labels): Direction[] {
  const zones = zonesOf(subject.facts.bridge.spec);
  const froms: readonly Place[] = [...zones, "outside"];
  const tried = froms.flatMap((from) => [
    ...froms.flatMap((to) => betweenPods(subject, others, { from, to })),
    ...toHosts(subject, others, from),
  ]);
  return [...tried, ...allowedDirections(subject)];
}

/** What a pod in no zone has to reach while the targets are in none either. */
export function referencesTo(
  places: readonly Place[],
  policies: readonly NetworkPolicy[],
): Direction[] {
  return places.flatMap((place) =>
    listenedPorts(place, policies).flatMap((port) =>
      protocols.map((protocol): Direction => {
        return { from: "outside", to: { place }, protocol, port, purpose: "reference" };
      }),
    ),
  );
}

function betweenPods(
  subject: Subject,
  others: Labels,
  { from, to }: { readonly from: Place; readonly to: Place },
): Direction[] {
  const known = policiesOf(subject);
  const connections = listenedPorts(to, subject.policies).flatMap((port) =>
    protocols.map((protocol) => ({ protocol, port })),
  );
  const isOutside = from === "outside" && to === "outside";
  return connections
    .filter(
      ({ protocol, port }) =>
        isOutside ||
        isClosed(known, {
          from: podAt(subject, others, from),
          to: podAt(subject, others, to),
          protocol,
          port,
        }),
    )
    .map((connection) => ({
      from,
      to: { place: to },
      ...connection,
      purpose: isOutside ? "reference" : "forbidden",
    }));
}

function toHosts(subject: Subject, others: Labels, from: Place): Direction[] {
  const [known, pod] = [policiesOf(subject), podAt(subject, others, from)];
  const purpose = from === "outside" ? "reference" : "forbidden";
  const dns = protocols.map((protocol): Direction => ({
    from,
    to: { host: "dns" },
    protocol,
    port: 53,
    purpose,
  }));
  const apiServer: Direction = {
    from,
    to: { host: "api-server" },
    protocol: "TCP",
    port: 443,
    purpose,
  };
  const isTried = (isClosedThere: boolean): boolean => from === "outside" || isClosedThere;
  return [
    ...(isTried(isClosedToDns(known, pod)) ? dns : []),
    ...(isTried(isClosedToApiServer(known, pod)) ? [apiServer] : []),
  ];
}

/** Connections that the topology needs: at least one has to get through. */
function allowedDirections({ facts, policies }: Subject): Direction[] {
  const { bridge } = facts;
  const { topology, gateway } = bridge.spec;
  const allowed = (from: Place, to: Target, port: number): Direction => ({
    from,
    to,
    protocol: "TCP",
    port,
    purpose: "allowed",
  });
  if (topology === "InCluster") {
    return [allowed("collector", { place: "gateway" }, ports.push.number)];
  }
  const [zone = "gateway"] = zonesOf(bridge.spec);
  const dns = isClosedToDns(policiesOf({ facts, policies }), {
    labels: zonePods(facts, zone),
    addresses: [],
  })
    ? []
    : [allowed(zone, { host: "dns" }, 53)];
  const clients =
    zone === "gateway" && gateway.clients === undefined
      ? [allowed("outside", { place: "gateway" }, ports.api.number)]
      : [];
  return [
    ...clients,
    ...dns,
    ...outsideAddresses(facts, zone).map(({ name, host, port }) =>
      allowed(zone, { name, host }, port),
    ),
  ];
}

/** What a zone connects to outside the cluster, where its address is known without DNS. */
function outsideAddresses(facts: Subject["facts"], zone: Program) {
  return outsideOf(facts, zone).flatMap(({ field, reach }) => {
    const [peer, port] = [reach?.to[0], reach?.ports[0]];
    const [host = "", bits = ""] = peer?.ipBlock?.cidr.split("/") ?? [];
    const isOne = bits === (host.includes(":") ? "128" : "32");
    return isOne && port !== undefined ? [{ name: field, host, port }] : [];
  });
}

function policiesOf({ facts, policies }: Pick<Subject, "facts" | "policies">): Policies {
  return { namespace: facts.bridge.metadata.namespace, all: policies };
}

function podAt({ facts, addresses }: Subject, others: Labels, place: Place): Pod {
  // A block of addresses that holds one of the check's pods is taken to hold them all.
  const all = Object.values(addresses).flat();
  return { labels: placeLabels(facts, place, others), addresses: all };
}

/** The endpoints of a direction, one for each address of its target. */
export function endpointsOf(
  { to, protocol, port }: Direction,
  addresses: Addresses,
): readonly Endpoint[] {
  const hosts = "place" in to ? (addresses[to.place] ?? []) : [to.host];
  return hosts.map((host) => ({ protocol, host, port }));
}

/** Such as `gateway → collector 9465 TCP`. */
export function describeDirection(direction: Direction): string {
  return `${describeWay(direction)} ${describePort(direction)}`;
}

/** Such as `gateway → collector`. */
export function describeWay({ from, to }: Direction): string {
  return `${nameOf(from)} → ${targetName(to)}`;
}

/** Such as `9465 TCP`. */
export function describePort({ protocol, port }: Direction): string {
  return `${port} ${protocol}`;
}

function targetName(to: Target): string {
  if ("place" in to) return nameOf(to.place);
  if ("name" in to) return to.name;
  return to.host === "dns" ? "DNS" : "API server";
}

const nameOf = (place: Place): string => (place === "outside" ? "other pod" : place);
