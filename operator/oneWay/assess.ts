import type { StoredBridge } from "../bridge/schema.ts";
import type { BridgeStatus } from "../bridge/status.ts";
import {
  conditionOf,
  isFalse,
  isTrue,
  isUnknown,
  type Saying,
  timeText,
} from "../reconcile/conditions.ts";
import { zonesOf } from "./directions.ts";
import { afterMove, nextTime } from "./due.ts";
import { type CheckResult, isVerdict } from "./result.ts";

type Record = NonNullable<BridgeStatus["oneWayCheck"]>;

interface Situation {
  readonly bridge: Pick<StoredBridge, "metadata" | "spec" | "status">;
  readonly policiesHash: string;
  readonly nodesHash: string;
  /** Whether there is a place to check on. */
  readonly hasSite: boolean;
  /** The last check's that this process made for this very bridge. */
  readonly latest: CheckResult | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Assessed {
  readonly saying: Saying;
  /** The last verdict, for the status. */
  readonly record: Record | undefined;
  /** When a check is due; undefined while there is none to make. Milliseconds since 1970. */
  readonly due: number | undefined;
  /** When the verdict becomes too old. */
  readonly ends: number | undefined;
}

const defaults = { intervalSeconds: 86_400 };

/**
 * What is known of the one-way flow, from what the status says and what the last check came to. A
 * verdict stands until another takes its place, or until it is older than two intervals. A check
 * that proves nothing takes one away only where the policies are no longer those of the verdict.
 */
export function assess(situation: Situation): Assessed {
  const { bridge, latest, now } = situation;
  const { spec, status } = bridge;
  if (spec.topology === "Direct") {
    const saying = isUnknown("NotNeeded", "with Direct there is no such flow");
    return { saying, record: undefined, due: undefined, ends: undefined };
  }
  const { intervalSeconds: interval } = spec.oneWayCheck ?? defaults;
  const { verdict, said } = newest(situation, status.oneWayCheck);
  const record = verdict && withNextTime(verdict, said, { bridge, interval });
  const ends = record && Date.parse(record.completionTime) + 2 * interval * 1_000;
  const isOld = ends !== undefined && now >= ends && said.status !== "Unknown";
  const saying = isOld
    ? isUnknown(
        "Outdated",
        `the last check ended ${record?.completionTime ?? ""}, more than two intervals ago`,
      )
    : said;
  const canRun = situation.hasSite && !spec.suspend;
  const due = canRun ? dueTime(situation, record, { interval, latest }) : undefined;
  return { saying, record, due, ends: isOld ? undefined : ends };
}

interface Newest {
  readonly verdict: Omit<Record, "nextTime"> | undefined;
  readonly said: Saying;
}

function newest(
  { bridge, latest, policiesHash, hasSite }: Situation,
  stored: Record | undefined,
): Newest {
  const before = conditionOf(bridge.status, "OneWayVerified");
  const isNewer =
    latest !== undefined &&
    (stored === undefined || latest.at >= Date.parse(stored.completionTime));
  if (isNewer && isVerdict(latest)) {
    return { verdict: recordOf(latest), said: sayVerdict(bridge, latest) };
  }
  const isOfThese = stored?.policiesHash === policiesHash;
  if (isNewer && !(isOfThese && before?.status !== "Unknown")) {
    return { verdict: stored, said: isUnknown(latest.outcome, latest.message) };
  }
  const stays =
    stored !== undefined || before?.reason === "NotProven" || before?.reason === "Refused";
  if (before === undefined || !stays) return { verdict: stored, said: sayNotRun(bridge, hasSite) };
  const { status, reason, message } = before;
  return { verdict: stored, said: { status, reason, message } };
}

function recordOf({ at, families, nodes, policiesHash, nodesHash }: CheckResult) {
  return { completionTime: timeText(at), families: [...families], nodes, policiesHash, nodesHash };
}

function sayVerdict({ spec }: Situation["bridge"], result: CheckResult): Saying {
  const { outcome, message, at, nodes, families } = result;
  const where = `checked ${timeText(at)} on ${nodes} ${nodes === 1 ? "node" : "nodes"}, ${families.join(" and ")}`;
  if (outcome === "PolicyNotEnforced") return isFalse(outcome, `got through: ${message}; ${where}`);
  const isScraped =
    zonesOf(spec).includes("collector") && (spec.monitoring?.scrapeFrom ?? []).length > 0;
  return isScraped
    ? isTrue("VerifiedExceptScrape", `only monitoring.scrapeFrom reaches the collector; ${where}`)
    : isTrue("Verified", `nothing gets through the wrong way; ${where}`);
}

function sayNotRun({ spec }: Situation["bridge"], hasSite: boolean): Saying {
  if (spec.suspend) return isUnknown("NotRun", "no check has run: spec.suspend is true");
  return isUnknown(
    "NotRun",
    hasSite
      ? "no check has ended yet"
      : "no check has run: it waits until a pod of the bridge is on a node",
  );
}

function withNextTime(
  verdict: Omit<Record, "nextTime">,
  said: Saying,
  { bridge, interval }: { readonly bridge: Situation["bridge"]; readonly interval: number },
): Record {
  const next = nextTime({
    at: Date.parse(verdict.completionTime),
    isPassed: said.status === "True",
    interval,
    uid: bridge.metadata.uid,
  });
  return { ...verdict, nextTime: timeText(next) };
}

function dueTime(
  { policiesHash, nodesHash, bridge, now }: Situation,
  record: Record | undefined,
  { interval, latest }: { readonly interval: number; readonly latest: CheckResult | undefined },
): number {
  if (latest !== undefined && !isVerdict(latest) && latest.policiesHash === policiesHash) {
    return nextTime({ at: latest.at, isPassed: false, interval, uid: bridge.metadata.uid });
  }
  if (record === undefined || record.policiesHash !== policiesHash) return now;
  const next = Date.parse(record.nextTime);
  if (record.nodesHash === nodesHash) return next;
  return Math.min(next, afterMove(Date.parse(record.completionTime), interval));
}
