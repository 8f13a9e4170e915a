import { type GatewayReport, isFlowing } from "../gateways/reports.ts";
import { isFalse, isTrue, isUnknown, type Saying } from "./conditions.ts";
import type { Outcome } from "./status.ts";

export interface Flow {
  readonly saying: Saying;
  /** Whether bytes have come since the bridge was made or resumed; undefined where nobody can tell. */
  readonly hasFlowed: boolean | undefined;
}

/** What the gateways say of the bytes. */
export function judgeFlow({
  facts,
  reports,
  now,
}: Pick<Outcome, "facts" | "reports" | "now">): Flow {
  const { spec, status } = facts.bridge;
  if (spec.suspend) {
    const saying = isFalse("Suspended", "spec.suspend is true: no byte flows");
    return { saying, hasFlowed: false };
  }
  if (spec.topology === "CollectorOnly") {
    const saying = isUnknown("GatewaysElsewhere", "see the bridge that the gateways belong to");
    return { saying, hasFlowed: undefined };
  }
  const states = reports.flatMap(({ state }) => (state === undefined ? [] : [state]));
  if (states.some((state) => isFlowing(state, now))) {
    return { saying: isTrue("Flowing", "gateways hold bytes or get them"), hasFlowed: true };
  }
  const hasFlowed =
    status.hasFlowed === true || states.some(({ last_data_received: last }) => last !== null);
  return { saying: sayDry(reports, hasFlowed), hasFlowed };
}

function sayDry(reports: readonly GatewayReport[], hasFlowed: boolean): Saying {
  if (reports.every(({ state }) => state === undefined)) {
    return hasFlowed
      ? isUnknown("ManagementUnreachable", "no gateway answers on its management port")
      : isUnknown("NeverFlowed", "no gateway answers on its management port yet");
  }
  const skewed = worstSkew(reports);
  if (skewed !== undefined) return isFalse("ClockSkew", describeSkew(skewed));
  const look = "look at the collector's log, or the sources";
  return hasFlowed
    ? isFalse("NoFreshBytes", `gateways are empty and get nothing: ${look}`)
    : isFalse("NeverFlowed", `no gateway has got a byte yet: ${look}`);
}

interface Skewed {
  readonly instance: string;
  /** That the collector's clock is ahead; below 0 when it is behind. */
  readonly seconds: number;
}

function worstSkew(reports: readonly GatewayReport[]): Skewed | undefined {
  const skewed = reports.flatMap(({ instance, state }): Skewed[] => {
    const seconds = state?.clock_skew_seconds ?? null;
    return seconds === null ? [] : [{ instance, seconds }];
  });
  return skewed.sort((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds))[0];
}

function describeSkew({ instance, seconds }: Skewed): string {
  const way = seconds < 0 ? "behind" : "ahead of";
  return `packets are refused, since the collector's clock is ${Math.abs(seconds)} seconds ${way} that of ${instance}: set the clocks of both nodes right`;
}
