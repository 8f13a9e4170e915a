import { type Account, audit, type Evidence } from "./audit.ts";
import { Rig, type RigOptions } from "./rig.ts";

/** Short windows: a gateway that was started again soon finds packets fresh. */
export const quick = {
  skew: 0,
  collectorPush: { timeout: "2s", window: "3s", clock_skew: "1s", backoff_max: "300ms" },
  gatewayPush: { window: { past: "3s", future: "200ms" } },
} satisfies Omit<RigOptions, "random">;

export type Scenario = (rig: Rig, random: () => number) => Promise<void>;

export interface Played {
  readonly account: Account;
  readonly evidence: Evidence;
}

/**
 * Plays a scenario on a bridge of its own and audits it.
 * @param settle how long what is under way may take to arrive in the end, milliseconds
 * @throws what the audit finds
 */
export async function playAudited(
  options: RigOptions,
  settle: number,
  scenario: Scenario,
): Promise<Played> {
  await using rig = await Rig.start(options);
  await scenario(rig, options.random);
  const { collectorLife, gatewayLife } = rig;
  const metrics = await rig.settle(settle);
  const evidence = {
    given: rig.appliance.given,
    pushes: rig.proxy.pushes,
    drawn: rig.drawer.drawn,
    collectorLife,
    gatewayLife,
    ...metrics,
  };
  return { account: audit(evidence), evidence };
}
