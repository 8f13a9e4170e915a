import { nanosecondsToMilliseconds } from "../../common/clock.ts";

/** Milliseconds by which the way from collector to gateway may vary. */
const jitter = 2_000;

/** Milliseconds; a collector signs what was refused anew after 90 s, and fetches on meanwhile. */
const lasting = 300_000;

/** A packet whose signature is right and whose time is not. */
export interface Untimely {
  /** When it was signed, by the collector's clock; nanoseconds. */
  readonly stamp: bigint;
  /** By how much that is ahead of this clock, below 0 when behind; nanoseconds. */
  readonly skew: bigint;
  /** Monotonic milliseconds. */
  readonly at: number;
}

interface Skew {
  readonly stamp: bigint;
  readonly milliseconds: number;
  readonly at: number;
}

/**
 * How far the clock of a collector is off while its packets are refused for it: from the second in a
 * row that says so until one is taken, or none has come for five minutes. One alone could be an old
 * packet that somebody kept and pushes again, with which the time that it is behind grows; a clock
 * that is off goes on, so that a packet signed later is off by as much. Whoever kept a row of packets
 * and pushes them in step looks like one, for as long as their key is in the ring: the gateway forgets
 * what it took before its window.
 */
export class ClockSkew {
  #last: Skew | undefined;
  /** What is told: only a change beyond what the network does is one, so that who watches is not told of each packet. */
  #told: Skew | undefined;

  /** Takes a packet that was refused for its time alone. */
  refused({ stamp, skew, at }: Untimely): void {
    const now = { stamp, milliseconds: nanosecondsToMilliseconds(skew), at };
    const before = this.#last;
    this.#last = now;
    if (before === undefined || stamp <= before.stamp || isApart(now, before)) return;
    const told = this.#told;
    this.#told = told === undefined || isApart(now, told) ? now : { ...told, at };
  }

  /** One that is in step was taken. */
  taken(): void {
    this.#last = undefined;
    this.#told = undefined;
  }

  /**
   * Whole seconds that the collector's clock is ahead of this one; below 0 when it is behind.
   * @param now monotonic milliseconds
   */
  seconds(now: number): number | undefined {
    if (this.#told === undefined || now - this.#told.at > lasting) return undefined;
    return Math.round(this.#told.milliseconds / 1_000);
  }
}

function isApart(one: Skew, other: Skew): boolean {
  return Math.abs(one.milliseconds - other.milliseconds) > jitter;
}
