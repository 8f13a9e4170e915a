import fc from "fast-check";
import { expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import type { BridgeStatus } from "../../../operator/bridge/status.ts";
import { type Assessed, assess } from "../../../operator/oneWay/assess.ts";
import { nextTime } from "../../../operator/oneWay/due.ts";
import type { CheckOutcome, CheckResult } from "../../../operator/oneWay/result.ts";
import { setConditions } from "../../../operator/reconcile/conditions.ts";
import { makeFacts } from "../build/facts.ts";
import { goldenSpecs } from "../build/specs.ts";

const interval = 3_600;
const start = Date.parse("2026-01-02T03:04:05Z");
const spec: BridgeInput["spec"] = {
  ...goldenSpecs.smallest,
  oneWayCheck: { intervalSeconds: interval, enforcement: "Require" },
};

/** A bridge through time: what each look says is its status for the next. */
function follow(given: BridgeInput["spec"] = spec) {
  let status: BridgeStatus = {};
  let latest: CheckResult | undefined;
  const look = (
    after: number,
    { policies = "a0", nodes = "b0", hasSite = true, suspend = false } = {},
  ): Assessed => {
    const now = start + after * 1_000;
    const { bridge } = makeFacts({ ...given, suspend });
    const situation = { policiesHash: policies, nodesHash: nodes, hasSite, latest, now };
    const assessed = assess({ bridge: { ...bridge, status }, ...situation });
    const conditions = setConditions(
      { OneWayVerified: assessed.saying },
      { previous: status, generation: 1, now },
    );
    status = { conditions, ...(assessed.record && { oneWayCheck: assessed.record }) };
    return assessed;
  };
  return {
    look,
    ends: (outcome: CheckOutcome, after: number, rest: Partial<CheckResult> = {}) => {
      const at = start + after * 1_000;
      const base = { policiesHash: "a0", nodesHash: "b0", families: ["IPv4"] as const, nodes: 2 };
      latest = { uid: "u", at, outcome, message: "why", ...base, ...rest };
    },
    /** What was kept in memory is gone. */
    restart: () => (latest = undefined),
  };
}

const at = (seconds: number): number => start + seconds * 1_000;

test("a new bridge waits for a node, then a check is due at once", () => {
  const bridge = follow();
  expect(bridge.look(0, { hasSite: false })).toMatchObject({
    saying: { status: "Unknown", reason: "NotRun" },
    due: undefined,
  });
  expect(bridge.look(1).due).toBe(at(1));
});

test("a verdict says when, where and for which families, and stands over a restart", () => {
  const bridge = follow();
  bridge.ends("Verified", 60);
  const passed = bridge.look(61);
  expect(passed.saying).toEqual({
    status: "True",
    reason: "Verified",
    message: "nothing gets through the wrong way; checked 2026-01-02T03:05:05Z on 2 nodes, IPv4",
  });
  expect(passed.due).toBeGreaterThan(at(61));
  expect(passed.due).toBeLessThanOrEqual(at(60 + interval));
  bridge.restart();
  expect(bridge.look(62)).toEqual(passed);
});

test("what scrapes the collector is named in the reason", () => {
  const bridge = follow({ ...spec, monitoring: { scrapeFrom: [{ podSelector: {} }] } });
  bridge.ends("Verified", 60);
  expect(bridge.look(61).saying.reason).toBe("VerifiedExceptScrape");
});

test("what got through is False at once and tried again soon", () => {
  const bridge = follow();
  bridge.ends("Verified", 60);
  bridge.look(61);
  bridge.ends("PolicyNotEnforced", 3_000, { message: "gateway → collector 9465 TCP (refused)" });
  const failed = bridge.look(3_001);
  expect(failed.saying).toMatchObject({ status: "False", reason: "PolicyNotEnforced" });
  expect(failed.saying.message).toContain("got through: gateway → collector 9465 TCP (refused)");
  expect(failed.due).toBe(at(3_600));
  bridge.restart();
  expect(bridge.look(3_002)).toEqual(failed);
});

test.each(["True", "False"])(
  "a %s stands while later checks prove nothing, until it is older than two intervals",
  (was) => {
    const bridge = follow();
    bridge.ends(was === "True" ? "Verified" : "PolicyNotEnforced", 0);
    bridge.look(1);
    for (const after of [3_000, 6_000]) {
      bridge.ends("NotProven", after);
      expect(bridge.look(after)).toMatchObject({ saying: { status: was }, due: at(after + 600) });
    }
    expect(bridge.look(2 * interval - 1).saying.status).toBe(was);
    const old = bridge.look(2 * interval);
    expect(old.saying).toMatchObject({ status: "Unknown", reason: "Outdated" });
    bridge.restart();
    expect(bridge.look(2 * interval + 1).saying).toEqual(old.saying);
  },
);

test("new policies are checked at once; until then the verdict stands, and one that proves nothing takes it away", () => {
  const bridge = follow();
  bridge.ends("Verified", 0);
  bridge.look(1);
  expect(bridge.look(2, { policies: "a1" })).toMatchObject({
    saying: { status: "True" },
    due: at(2),
  });
  bridge.ends("Refused", 90, { policiesHash: "a1", message: "exceeded quota" });
  expect(bridge.look(91, { policies: "a1" })).toMatchObject({
    saying: { status: "Unknown", reason: "Refused", message: "exceeded quota" },
    due: at(690),
  });
  bridge.ends("Verified", 700, { policiesHash: "a1" });
  expect(bridge.look(701, { policies: "a1" }).saying.status).toBe("True");
});

test("pods on other nodes are looked at within ten minutes", () => {
  const bridge = follow();
  bridge.ends("Verified", 0);
  bridge.look(1);
  const { due = 0 } = bridge.look(2, { nodes: "b1" });
  expect(due).toBeLessThanOrEqual(at(600));
});

test("a suspended bridge is not checked, and one of Direct never", () => {
  const bridge = follow();
  expect(bridge.look(0, { suspend: true }).due).toBeUndefined();
  expect(follow(goldenSpecs.direct).look(0)).toMatchObject({
    saying: { reason: "NotNeeded" },
    due: undefined,
    record: undefined,
  });
});

test("True is never said of a status without its record", () => {
  const bridge = makeFacts(spec).bridge;
  const saying = { status: "True", reason: "Verified", message: "" } as const;
  const situation = { previous: {}, generation: 1, now: start };
  const status = { conditions: setConditions({ OneWayVerified: saying }, situation) };
  const about = {
    policiesHash: "a0",
    nodesHash: "b0",
    hasSite: true,
    latest: undefined,
    now: start,
  };
  expect(assess({ bridge: { ...bridge, status }, ...about }).saying.reason).toBe("NotRun");
});

test("the next check is within an interval, and those of many bridges are spread over it", () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.nat({ max: 2 ** 40 }),
      fc.integer({ min: 600, max: 2_592_000 }),
      (uid, at, interval) => {
        const next = nextTime({ at, isPassed: true, interval, uid });
        expect(next).toBeGreaterThan(at - 1);
        expect(next).toBeLessThanOrEqual(at + interval * 1_000);
        expect(nextTime({ at: next, isPassed: true, interval, uid })).toBe(next + interval * 1_000);
      },
    ),
  );
  const tenths = new Set(
    Array.from({ length: 200 }, (_, n) =>
      Math.floor(
        (nextTime({ at: start, isPassed: true, interval, uid: `uid-${n}` }) - start - 1) /
          (interval * 100),
      ),
    ),
  );
  expect(tenths.size).toBe(10);
});
