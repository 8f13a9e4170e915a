import { type Endpoint, endpointText, isKnownHost } from "../../common/probe/endpoint.ts";
import { isOpen, type Outcome, type Report } from "../../common/probe/report.ts";
import { describeDirection, describePort, describeWay, type Direction } from "./directions.ts";

/** One endpoint of a direction, and what came of it. */
export interface Observation {
  readonly direction: Direction;
  readonly endpoint: Endpoint;
  readonly seen: Seen | undefined;
}

export interface Seen {
  readonly outcome: Outcome;
  /** Seconds for which it has held. */
  readonly held: number;
  /** The endpoint with the address that a known host has; undefined where the pod did not say. */
  readonly endpoint: Endpoint | undefined;
}

/** What was observed on one node. */
export interface SiteObservations {
  readonly node: string;
  /** By the pod that was in no zone, before the targets were put into theirs. */
  readonly reference: readonly Observation[];
  /** After that. */
  readonly observed: readonly Observation[];
}

export type Verdict =
  | { readonly outcome: "Verified" }
  | { readonly outcome: "PolicyNotEnforced" | "NotProven"; readonly message: string };

/** A result that has not held for that many seconds is none. */
export const holdSeconds = 30;

/** What each of a pod's endpoints came to; nothing, where it left no report. */
export function observe(
  tried: readonly Pick<Observation, "direction" | "endpoint">[],
  report: Report | undefined,
): Observation[] {
  return tried.map((each, n): Observation => {
    const [outcome, held = 0] = report?.results[n] ?? [];
    if (report === undefined || outcome === undefined) return { ...each, seen: undefined };
    const { host } = each.endpoint;
    const found = isKnownHost(host) ? report.hosts[host] : host;
    const endpoint = found === undefined ? undefined : { ...each.endpoint, host: found };
    return { ...each, seen: { outcome, held, endpoint } };
  });
}

/**
 * What got through counts, whatever else was seen. Silence counts only where the same address and
 * port answered an unselected pod, and an allowed direction of the same site works. Anything less
 * proves nothing.
 */
export function judge(sites: readonly SiteObservations[]): Verdict {
  const through = sites.flatMap(gotThrough);
  if (through.length > 0) return { outcome: "PolicyNotEnforced", message: listed(through) };
  const doubts = sites.flatMap(doubtsAbout);
  if (sites.length === 0) doubts.push("no node to check on");
  return doubts.length > 0
    ? { outcome: "NotProven", message: listed(doubts) }
    : { outcome: "Verified" };
}

/** One text for all ports of a way: where all is open, no way goes unnamed for the ports of others. */
function gotThrough({ node, observed }: SiteObservations): string[] {
  const open = observed.flatMap(({ direction, seen }) =>
    direction.purpose === "forbidden" && isHeld(seen) && isOpen(seen.outcome)
      ? [{ way: describeWay(direction), port: `${describePort(direction)} (${seen.outcome})` }]
      : [],
  );
  return [...Map.groupBy(open, ({ way }) => way)].map(
    ([way, each]) => `${way} ${each.map(({ port }) => port).join(", ")} on node ${node}`,
  );
}

function doubtsAbout(site: SiteObservations): string[] {
  const { node, observed } = site;
  const reached = new Set([...site.reference, ...observed].flatMap(reachedText));
  const forbidden = observed.filter(({ direction }) => direction.purpose === "forbidden");
  const isControlled = observed.some(
    ({ direction, seen }) =>
      direction.purpose === "allowed" && isHeld(seen) && isOpen(seen.outcome),
  );
  return [
    ...forbidden.flatMap(({ direction, seen }) => {
      const why = doubt(seen, reached);
      return why === undefined ? [] : [`${describeDirection(direction)}: ${why}`];
    }),
    ...(forbidden.length === 0 ? ["nothing forbidden was tried"] : []),
    ...(isControlled ? [] : ["no allowed direction got through, so silence says nothing"]),
  ].map((text) => `${text} on node ${node}`);
}

/** Why silence is not shown to come from the policies; undefined where it is. */
function doubt(seen: Seen | undefined, reached: ReadonlySet<string>): string | undefined {
  if (seen === undefined) return "no report";
  if (seen.outcome !== "silent") return isOpen(seen.outcome) ? "did not hold" : seen.outcome;
  if (seen.held < holdSeconds) return `silent for ${seen.held} s only`;
  if (seen.endpoint === undefined || !reached.has(endpointText(seen.endpoint))) {
    return "silent for a pod without policies as well";
  }
  return undefined;
}

/** Of endpoints that a pod outside reached without holding: once is enough to know that it is there. */
function reachedText({ direction, seen }: Observation): string[] {
  const isReference = direction.purpose === "reference" && direction.from === "outside";
  if (!isReference || seen?.endpoint === undefined || !isOpen(seen.outcome)) return [];
  return [endpointText(seen.endpoint)];
}

/** Whether there is a result that is one. */
function isHeld(seen: Seen | undefined): seen is Seen {
  return seen !== undefined && seen.held >= holdSeconds;
}

const mostListed = 12;

/** Each once, and not more than people read. */
function listed(texts: readonly string[]): string {
  const all = [...new Set(texts)];
  const more = all.length - mostListed;
  return all.slice(0, mostListed).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
