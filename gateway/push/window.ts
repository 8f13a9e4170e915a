import {
  type Clock,
  millisecondsToNanoseconds,
  nanosecondsToMilliseconds,
} from "../../common/clock.ts";

/** How far clocks may be apart; the collector's push.clock_skew. */
const clockSkew = 60_000_000_000n;

export interface WindowOptions {
  /** Milliseconds. */
  readonly past: number;
  /** Milliseconds. */
  readonly future: number;
  readonly clock: Clock;
  /** No packet signed later than this was taken by an earlier process; nanoseconds. */
  readonly horizon?: bigint | undefined;
}

/**
 * Which signing times are fresh: floor < stamp ≤ now + future. The floor only rises. It stands for
 * everything that this process cannot remember: what was taken before it started, and what its seen
 * set had to forget. All times are nanoseconds since the Unix epoch.
 */
export class Window {
  readonly #clock: Clock;
  readonly #past: bigint;
  readonly #future: bigint;
  #now: bigint;
  #raised: bigint;

  constructor({ past, future, clock, horizon = 0n }: WindowOptions) {
    this.#clock = clock;
    this.#past = millisecondsToNanoseconds(past);
    this.#future = millisecondsToNanoseconds(future);
    this.#now = clock.wall();
    const started = this.#now + this.#future;
    this.#raised = started > horizon ? started : horizon;
  }

  /** The system's clock, which never steps back in here. */
  now(): bigint {
    const wall = this.#clock.wall();
    if (wall > this.#now) this.#now = wall;
    return this.#now;
  }

  floor(): bigint {
    const past = this.now() - this.#past;
    return past > this.#raised ? past : this.#raised;
  }

  /** Milliseconds until a packet that is signed then is fresh; 0 when one that is signed now is. */
  opensIn(): number {
    return Math.max(0, nanosecondsToMilliseconds(this.floor() - this.now()));
  }

  /** The latest stamp that is fresh now; all later ones are in the future. */
  latest(): bigint {
    return this.now() + this.#future;
  }

  isFresh(stamp: bigint): boolean {
    return stamp > this.floor() && stamp <= this.latest();
  }

  /** Whether the stamp is ahead of the window by no more than clocks may be apart. */
  isSoonFresh(stamp: bigint): boolean {
    return stamp > this.latest() && stamp > this.floor() && stamp <= this.latest() + clockSkew;
  }

  /**
   * How far a stamp is ahead (or, below 0, behind) of this clock, where that alone keeps it from
   * being fresh; nanoseconds. Where the floor was raised, no clock is to blame.
   */
  skewOf(stamp: bigint): bigint | undefined {
    const isInStep = stamp > this.now() - this.#past && stamp <= this.latest();
    return isInStep ? undefined : stamp - this.now();
  }

  /** From now on nothing signed at `stamp` or before is fresh. */
  raise(stamp: bigint): void {
    if (stamp > this.#raised) this.#raised = stamp;
  }
}
