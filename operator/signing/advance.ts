import { type Now, waitFrom } from "../moment.ts";
import { type BookKey, describeGateways } from "./book.ts";
import { amend, keyOf, signWith, type Desk, type Draft } from "./draft.ts";
import type { RingUsers, RotationTiming } from "./source.ts";

/**
 * How long every gateway must have reported a key before one packet is signed with it; seconds. A
 * gateway accepts by a key that came new into its ring only what is signed later than it learnt the
 * key plus its window's future (2 s), and the collector's clock may be behind its own by
 * push.clock_skew (60 s).
 */
export const settleSeconds = 62;

export type Waiting =
  | { readonly for: "propagation" | "clocks" }
  /** Instances that have not reported the key; empty where there is no gateway at all. */
  | { readonly for: "gateways"; readonly instances: readonly string[] };

export interface Progress {
  readonly draft: Draft;
  /** What the next key waits for. */
  readonly waitsFor: Waiting | undefined;
}

/** Drops what was left for long enough; a key that is to sign again stays. */
export function retire(draft: Draft, timing: RotationTiming, desk: Desk): Draft {
  const keys = draft.keys.flatMap((key): BookKey[] => {
    const { id, left } = key;
    if (left === undefined) return [key];
    const wait = waitFrom(left, timing.overlapSeconds, desk.now.moment);
    if (wait.seconds > 0) return [{ ...key, left: wait.since }];
    if (id === draft.next) return [{ ...key, left: undefined }];
    desk.note("KeyRetired", `key ${id} is no longer accepted`);
    return [];
  });
  return { ...draft, keys };
}

/** Switches to the next key once its waits are over. */
export function advance(
  before: Draft,
  { collector, gateways }: RingUsers,
  timing: RotationTiming,
  desk: Desk,
): Progress {
  const draft = propagate(before, timing, desk);
  const key = keyOf(draft, draft.next);
  if (key === undefined) return { draft, waitsFor: undefined };
  const { id, published, reported } = key;
  const switchNow = (): Progress => {
    desk.note("KeySwitched", `key ${id} signs from now on`);
    return { draft: signWith(draft, id, desk), waitsFor: undefined };
  };
  if (collector === "elsewhere") return switchNow(); // nobody here signs
  if (gateways === "elsewhere") {
    return published === undefined ? switchNow() : { draft, waitsFor: { for: "propagation" } };
  }
  const missing = gateways.filter(({ keyIds }) => keyIds?.includes(id) !== true);
  if (missing.length > 0 || gateways.length === 0) {
    const instances = missing.map(({ instance }) => instance);
    return {
      draft: amend(draft, id, { reported: undefined }),
      waitsFor: { for: "gateways", instances },
    };
  }
  // One that is new may have learnt the key just now, if it started with an old ring.
  const by = describeGateways(gateways.map(({ instance }) => instance));
  const since = reported?.by === by ? reported.since : desk.now.moment;
  const settling = waitFrom(since, settleSeconds, desk.now.moment);
  if (published === undefined && settling.seconds === 0) return switchNow();
  return {
    draft: amend(draft, id, { reported: { since: settling.since, by } }),
    waitsFor: { for: published === undefined ? "clocks" : "propagation" },
  };
}

function propagate(draft: Draft, timing: RotationTiming, { now }: Desk): Draft {
  const keys = draft.keys.map((key): BookKey => {
    if (key.published === undefined) return key;
    const { since, seconds } = waitFrom(key.published, timing.propagationSeconds, now.moment);
    return { ...key, published: seconds > 0 ? since : undefined };
  });
  return { ...draft, keys };
}

/** Seconds until the first of all waits is over; undefined where none is running. */
export function untilReady(
  { keys }: Pick<Draft, "keys">,
  { propagationSeconds, overlapSeconds }: RotationTiming,
  { moment }: Now,
): number | undefined {
  const waits = keys.flatMap(({ published, reported, left }) => [
    [published, propagationSeconds] as const,
    [reported?.since, settleSeconds] as const,
    [left, overlapSeconds] as const,
  ]);
  const left = waits.flatMap(([since, seconds]) =>
    since === undefined ? [] : [waitFrom(since, seconds, moment).seconds],
  );
  const running = left.filter((seconds) => seconds > 0);
  return running.length === 0 ? undefined : Math.min(...running);
}
