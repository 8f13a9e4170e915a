import { expect, test } from "vitest";
import type { HealthAlarm } from "../../../common/health/alarms.ts";
import {
  afterAlarm,
  afterRetest,
  newcomer,
  type Standing,
} from "../../../common/supply/standing.ts";

const alarm: HealthAlarm = { test: "repeated", tier: "intermittent" };
const sure: HealthAlarm = { test: "repetition count", tier: "permanent" };
const now = 1_000_000;

function caught(standing: Standing, { cleanBytes = 0, random = 0 } = {}): Standing {
  return afterAlarm(standing, alarm, { cleanBytes, now, random: () => random });
}

/** Milliseconds until the retest. */
function waitOf(standing: Standing): number {
  return standing.state === "quarantined" ? standing.retestAt - now : Number.NaN;
}

/** Caught so often in a row, each time released by its retest in between. */
function caughtTimes(times: number, random: number): Standing {
  let standing = newcomer;
  for (let time = 0; time < times; time++) standing = caught(afterRetest(standing), { random });
  return standing;
}

test.each([
  [1, 1_000, 2_000],
  [2, 2_000, 4_000],
  [5, 16_000, 32_000],
  [30, 300_000, 600_000],
])("caught %d times, a source is asked again after %d to %d ms", (times, least, most) => {
  expect(waitOf(caughtTimes(times, 0))).toBe(least);
  expect(waitOf(caughtTimes(times, 1))).toBe(most);
});

test("an alarm in the retest makes the wait longer as well", () => {
  expect(waitOf(caught(caught(newcomer)))).toBe(2_000);
});

test("a source that gave a window of clean FIPS blocks begins anew", () => {
  const released = afterRetest(caughtTimes(5, 0));
  expect(waitOf(caught(released, { cleanBytes: 2_499_999 }))).toBe(32_000);
  const redeemed = caught(released, { cleanBytes: 2_500_000 });
  expect(redeemed).toEqual({ state: "quarantined", alarm, quarantines: 1, retestAt: now + 1_000 });
});

test("what chance never does is for good", () => {
  const failed = afterAlarm(newcomer, sure, { cleanBytes: 0, now, random: () => 0 });
  expect(failed).toEqual({ state: "failed", alarm: sure });
  expect(caught(failed)).toBe(failed);
  expect(afterRetest(failed)).toBe(failed);
});
