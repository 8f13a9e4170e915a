import type { HealthAlarm } from "../health/alarms.ts";
import { backoffDelay } from "../wait.ts";

/**
 * What a source's bytes are good for. `trusted`: they go on. `quarantined` by an alarm: from
 * `retestAt` on they are tested and zeroed, until the start-up test has passed; then trusted again,
 * or an alarm quarantines for longer. `failed` by an alarm of the permanent tier, which chance gives
 * once in 2^80: for good, until somebody has looked and starts the program again.
 */
export type Standing =
  | { readonly state: "trusted"; readonly quarantines: number }
  | {
      readonly state: "quarantined";
      readonly alarm: HealthAlarm;
      readonly quarantines: number;
      /** Monotonic milliseconds. */
      readonly retestAt: number;
    }
  | { readonly state: "failed"; readonly alarm: HealthAlarm };

export const newcomer: Standing = { state: "trusted", quarantines: 0 };

/** A source that has given so many clean bytes since its release is as good as one never caught. */
const redeemedBytes = 2_500_000; // a window of FIPS blocks

const backoff = { min: 2_000, max: 600_000 };

/**
 * @param cleanBytes since the latest release, or the start
 * @param now monotonic milliseconds
 * @param random uniform in [0, 1)
 */
export function afterAlarm(
  standing: Standing,
  alarm: HealthAlarm,
  facts: { readonly cleanBytes: number; readonly now: number; readonly random: () => number },
): Standing {
  if (standing.state === "failed") return standing;
  if (alarm.tier === "permanent") return { state: "failed", alarm };
  const before = facts.cleanBytes >= redeemedBytes ? 0 : standing.quarantines;
  // Never at once: a source that was just caught gets some time.
  const wait = backoffDelay(before, backoff, () => 0.5 + facts.random() / 2);
  return {
    state: "quarantined",
    alarm,
    quarantines: before + 1,
    retestAt: facts.now + wait,
  };
}

/** A quarantined source has passed its retest. */
export function afterRetest(standing: Standing): Standing {
  if (standing.state !== "quarantined") return standing;
  return { state: "trusted", quarantines: standing.quarantines };
}
