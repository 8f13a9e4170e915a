import { expect, test } from "vitest";
import { nextStep, outcomeOf, outcomes, type Outcome } from "../../collector/push/outcome.ts";
import { protocolOutcome } from "./helpers/protocol.ts";

test("every status from 0 to 999 is the outcome that protocol.md says", () => {
  const statuses = Array.from({ length: 1000 }, (_, status) => status);
  expect(statuses.map(outcomeOf)).toEqual(statuses.map(protocolOutcome));
});

test.each([
  [200, "taken"],
  [201, "unknown"],
  [204, "unknown"],
  [100, "unknown"],
  [0, "unknown"],
  [299, "unknown"],
  [300, "misdirected"],
  [307, "misdirected"],
  [399, "misdirected"],
  [400, "refused"],
  [401, "refused"],
  [409, "seen"],
  [410, "refused"],
  [429, "refused"],
  [499, "refused"],
  [500, "unknown"],
  [502, "unknown"],
  [503, "refused"],
  [507, "full"],
  [600, "unknown"],
  [999, "unknown"],
])("%i is %s", (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -200, 200.5, 2 ** 53])(
  "what no status can be, %d, is unknown",
  (status) => {
    expect(outcomeOf(status)).toBe("unknown");
  },
);

/** Per outcome: the step after a first attempt and after one that ended as unknown, for each peer. */
const steps = {
  taken: { bridge: ["done", "done"], v1: ["done", "done"] },
  seen: { bridge: ["done", "done"], v1: ["done", "done"] },
  full: { bridge: ["sign anew", "sign anew"], v1: ["sign anew", "sign anew"] },
  unreachable: { bridge: ["sign anew", "repeat"], v1: ["sign anew", "lose"] },
  refused: { bridge: ["rest", "repeat"], v1: ["rest", "lose"] },
  misdirected: { bridge: ["rest", "repeat"], v1: ["rest", "lose"] },
  unknown: { bridge: ["repeat", "repeat"], v1: ["lose", "lose"] },
} as const satisfies Record<Outcome, object>;

const rows = outcomes.flatMap((outcome) =>
  (["bridge", "v1"] as const).flatMap((peer) =>
    [false, true].map((unknownBefore) => {
      const step = steps[outcome][peer][unknownBefore ? 1 : 0];
      return { outcome, peer, unknownBefore, step };
    }),
  ),
);

test.each(rows)(
  "$outcome from a $peer peer, unknown before: $unknownBefore → $step",
  ({ outcome, peer, unknownBefore, step }) => {
    expect(nextStep(outcome, unknownBefore, peer)).toBe(step);
  },
);
