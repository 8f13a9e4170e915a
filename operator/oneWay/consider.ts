import { buildCollectorPolicy, buildGatewayPolicy } from "../build/networkPolicy.ts";
import { type Assessed, assess } from "./assess.ts";
import type { OneWayChecks } from "./checks.ts";
import { zonesOf } from "./directions.ts";
import { shortHash } from "./due.ts";
import type { CheckFacts, Site } from "./pods.ts";
import type { CheckRequest } from "./run.ts";

export interface Considered extends Pick<Assessed, "saying" | "record"> {
  readonly isVerified: boolean;
  /** The check that is due, if one is. */
  readonly request: CheckRequest | undefined;
  /** Seconds until something changes by itself; undefined for never. */
  readonly lookAgain: number | undefined;
}

type Checks = Pick<OneWayChecks, "latest" | "nodes">;

/** What is known of a bridge's one-way flow, and which check is due. @param now since 1970, in ms */
export function considerOneWay(checks: Checks, facts: CheckFacts, now: number): Considered {
  const { bridge } = facts;
  const { name, namespace, uid } = bridge.metadata;
  const key = `${namespace}/${name}`;
  const nodes = checks.nodes(key);
  const policies =
    bridge.spec.topology === "Direct"
      ? []
      : zonesOf(bridge.spec).map((zone) =>
          zone === "collector" ? buildCollectorPolicy(facts) : buildGatewayPolicy(facts),
        );
  const policiesHash = shortHash(policies.map(({ spec }) => spec));
  const nodesHash = shortHash(nodes);
  const latest = checks.latest(key, uid);
  const about = { bridge, policiesHash, nodesHash, latest, now };
  const isRequired = bridge.spec.oneWayCheck?.enforcement === "Require";
  const hasSite = nodes.length > 0 || isRequired;
  const { saying, record, due, ends } = assess({ ...about, hasSite });
  const isVerified = saying.status === "True";
  // A collector that is held back stands on no node yet: the check finds one as it would.
  const isHeldBack = isRequired && (!isVerified || nodes.length === 0);
  const sites: readonly Site[] = [
    ...nodes.map((node) => ({ node })),
    ...(isHeldBack ? (["collector"] as const) : []),
  ];
  const isDue = due !== undefined && due <= now;
  const later = [due, ends].filter((time) => time !== undefined && time > now) as number[];
  return {
    saying,
    record,
    isVerified,
    request: isDue ? { key, facts, policies, policiesHash, sites, nodesHash } : undefined,
    lookAgain: later.length === 0 ? undefined : Math.ceil((Math.min(...later) - now) / 1_000),
  };
}
