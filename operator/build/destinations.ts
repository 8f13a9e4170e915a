import { hasAddress, type Reach, reach } from "../bridge/hosts.ts";
import type { Egress } from "../bridge/network.ts";
import type { Facts } from "./facts.ts";
import type { DnsServers, Program } from "./settings.ts";

/** Something outside the bridge that its pods connect to. */
export interface Destination {
  /** The field of the spec whose URL it is. */
  readonly field: string;
  readonly url: string;
  /** Undefined where nobody has said what the URL's host name stands for. */
  readonly reach: Reach | undefined;
}

/** What a zone's pods connect to, outside the bridge: sources or their proxy, gateways elsewhere, Redis. */
export function outsideOf(
  { bridge: { spec } }: Pick<Facts, "bridge">,
  zone: Program,
): Destination[] {
  const { topology, collector, gateway, sources } = spec;
  const fromSources = sources.map(({ name, url, egress }) =>
    destination(`sources ${name}`, url, egress),
  );
  if (zone === "gateway") {
    const { redis } = gateway;
    return [
      ...(topology === "Direct" ? fromSources : []),
      ...(redis === undefined ? [] : [destination("gateway.redis", redis.url, redis.egress)]),
    ];
  }
  const { proxy, push } = collector ?? {};
  return [
    ...(proxy === undefined
      ? fromSources
      : [destination("collector.proxy", proxy.url, proxy.egress)]),
    ...(push?.urls ?? []).map((url) => destination("collector.push", url, push?.egress)),
  ];
}

function destination(field: string, url: string, egress: Egress | undefined): Destination {
  return { field, url, reach: reach(url, egress) };
}

/** The DNS servers, for pods that have a name to look up; those that have none ask nobody. */
export function dnsOf(
  facts: Pick<Facts, "bridge" | "settings">,
  zone: Program,
): readonly DnsServers[] {
  const looksUpGateways = zone === "collector" && facts.bridge.spec.topology === "InCluster";
  const hasNames = outsideOf(facts, zone).some(({ url }) => !hasAddress(url));
  return looksUpGateways || hasNames ? facts.settings.dns : [];
}
