import { z } from "zod";

/**
 * A point in time that no clock can move: seconds since a machine started, and which start that
 * was (Linux: CLOCK_MONOTONIC and /proc/sys/kernel/random/boot_id). Waits on which it depends
 * whether peers understand each other are kept in these. A wait whose machine is gone starts
 * again: waiting twice harms nobody, waiting too short would.
 */
export const moment = z.strictObject({
  boot: z.string().min(1).max(64),
  seconds: z.number().min(0),
});

export type Moment = z.output<typeof moment>;

/** The time of a decision. */
export interface Now {
  /** Milliseconds since the Unix epoch, by a clock that may step: for dates only. */
  readonly wall: number;
  /** For waits. */
  readonly moment: Moment;
}

export interface Wait {
  /** When it began; a later moment than before when it had to start again. */
  readonly since: Moment;
  /** To go; 0 when it is over. */
  readonly seconds: number;
}

/** How far a wait of `seconds` has come that began at `since`. */
export function waitFrom(since: Moment, seconds: number, now: Moment): Wait {
  const isKnown = since.boot === now.boot && since.seconds <= now.seconds;
  if (!isKnown) return { since: now, seconds };
  return { since, seconds: Math.max(0, since.seconds + seconds - now.seconds) };
}
