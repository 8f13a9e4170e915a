import { nanosecondsToMilliseconds } from "../../common/clock.ts";

/** Milliseconds by which the way from collector to gateway may vary. */
const jitter = 2_000;

/**
 * How far the clock of a collector is off while its packets are refused for it: from one whose
 * signature is right and whose time is not, until one is taken. Only a change beyond what the
 * network does is one, so that who watches is not told of each packet.
 */
export class ClockSkew {
  #milliseconds: number | undefined;

  /** @param skew of a packet that was refused for its time alone; nanoseconds, above 0 when ahead */
  refused(skew: bigint): void {
    const next = nanosecondsToMilliseconds(skew);
    const before = this.#milliseconds;
    if (before === undefined || Math.abs(next - before) > jitter) this.#milliseconds = next;
  }

  taken(): void {
    this.#milliseconds = undefined;
  }

  /** Whole seconds that the collector's clock is ahead of this one; below 0 when it is behind. */
  seconds(): number | undefined {
    return this.#milliseconds === undefined ? undefined : Math.round(this.#milliseconds / 1_000);
  }
}
