import { expect, test } from "vitest";
import type { GatewayState } from "../../../operator/gateways/read.ts";
import { digestReports } from "../../../operator/gateways/reports.ts";
import { judgeFlow } from "../../../operator/reconcile/flowing.ts";
import { makeFacts } from "../build/facts.ts";

const lab = { name: "lab", type: "Quantis", url: "https://192.0.2.10" } as const;
const now = Date.UTC(2026, 0, 1);
const state = (fields: Partial<GatewayState> = {}): GatewayState => ({
  key_ids: ["k"],
  last_data_received: null,
  clock_skew_seconds: null,
  buffer_bytes_available: 0,
  ...fields,
});
const long = "2025-12-31T00:00:00Z";

function judge(states: readonly (GatewayState | undefined)[], hasFlowed = false) {
  const facts = makeFacts({ sources: [lab] });
  const bridge = { ...facts.bridge, status: { ...(hasFlowed && { hasFlowed }) } };
  const reports = states.map((each, index) => ({ instance: `lab-gateway-${index}`, state: each }));
  return judgeFlow({ facts: { ...facts, bridge }, reports, now });
}

test.each([
  ["no gateway", [], false, "Unknown", "NeverFlowed"],
  ["one that does not answer", [undefined], true, "Unknown", "ManagementUnreachable"],
  ["a new one", [state()], false, "False", "NeverFlowed"],
  ["a new one of a bridge that has flowed", [state()], true, "False", "NoFreshBytes"],
  ["an empty one", [state({ last_data_received: long })], false, "False", "NoFreshBytes"],
  ["a full one", [undefined, state({ buffer_bytes_available: 1 })], false, "True", "Flowing"],
  ["clocks apart", [state({ clock_skew_seconds: 300 })], false, "False", "ClockSkew"],
  [
    "clocks apart, with bytes left",
    [state({ clock_skew_seconds: 300, buffer_bytes_available: 1 })],
    true,
    "True",
    "Flowing",
  ],
] as const)("%s", (_, states, before, status, reason) => {
  expect(judge(states, before).saying).toMatchObject({ status, reason });
});

test("clocks that are apart are no reason to call a bridge ready that never had a byte", () => {
  expect(judge([state({ clock_skew_seconds: 300 })]).hasFlowed).toBe(false);
  expect(judge([state({ clock_skew_seconds: 300 })], true).hasFlowed).toBe(true);
});

test("the clock that is furthest off is named, with its seconds", () => {
  const skewed = [20, -300, 40].map((seconds) => state({ clock_skew_seconds: seconds }));
  expect(judge(skewed).saying.message).toBe(
    "packets are refused, since the collector's clock is 300 seconds behind that of lab-gateway-1: set the clocks of both nodes right",
  );
});

test("a clock that goes off is news to a reconcile", () => {
  const digest = (seconds: number | null) =>
    digestReports([{ instance: "a", state: state({ clock_skew_seconds: seconds }) }], now);
  expect(digest(30)).not.toBe(digest(null));
  expect(digest(30)).not.toBe(digest(60));
});
