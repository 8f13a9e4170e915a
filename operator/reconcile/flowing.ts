import { isFlowing } from "../gateways/reports.ts";
import { conditionOf, isFalse, isTrue, isUnknown, type Saying } from "./conditions.ts";
import type { Outcome } from "./status.ts";

/** What the gateways say of the bytes. A bridge whose bytes have flowed once never says NeverFlowed. */
export function sayFlowing({ facts, reports, now }: Outcome): Saying {
  const { spec, status } = facts.bridge;
  if (spec.suspend) return isFalse("Suspended", "spec.suspend is true: no byte flows");
  if (spec.topology === "CollectorOnly") {
    return isUnknown("GatewaysElsewhere", "see the bridge that the gateways belong to");
  }
  const states = reports.flatMap(({ state }) => (state === undefined ? [] : [state]));
  if (states.some((state) => isFlowing(state, now))) {
    return isTrue("Flowing", "gateways hold bytes or get them");
  }
  const before = conditionOf(status, "EntropyFlowing");
  const hasFlowed =
    states.some(({ last_data_received: last }) => last !== null) ||
    (before !== undefined && !["NeverFlowed", "NotKnownYet", "Suspended"].includes(before.reason));
  if (!hasFlowed) {
    const message = "no gateway has got a byte yet: look at the collector's log, or the sources";
    return states.length === 0
      ? isUnknown("NeverFlowed", "no gateway answers on its management port yet")
      : isFalse("NeverFlowed", message);
  }
  if (states.length === 0) {
    return isUnknown("ManagementUnreachable", "no gateway answers on its management port");
  }
  const message = "gateways are empty and get nothing: look at the collector's log, or the sources";
  return isFalse("NoFreshBytes", message);
}
