import type { Limit, LocalLimit } from "./limit.ts";
import type { SharedCounter } from "./sharedCounter.ts";

/**
 * A limit that replicas count together, and each of them alone as well: what this process gives
 * never exceeds the limit, whatever happens to Redis or to what Redis remembers.
 */
export class SharedLimit implements Limit {
  readonly #local: LocalLimit;
  readonly #counter: SharedCounter;
  readonly #name: () => string;
  #leftOfAll = Number.POSITIVE_INFINITY;

  /** @param name what the replicas count under, at this moment */
  constructor(local: LocalLimit, counter: SharedCounter, name: () => string) {
    this.#local = local;
    this.#counter = counter;
    this.#name = name;
  }

  take(units: number, now: number): number | Promise<number> {
    const wait = this.#local.take(units, now);
    return wait > 0 || !this.#counter.isShared() ? wait : this.#takeFromAll(units, now);
  }

  give(units: number, now: number): void {
    this.#local.give(units, now);
    this.#counter.give(this.#name(), units);
  }

  left(now: number): number {
    const left = this.#local.left(now);
    return this.#counter.isShared() ? Math.min(left, this.#leftOfAll) : left;
  }

  secondsToMore(): number {
    return this.#local.secondsToMore();
  }

  async #takeFromAll(units: number, now: number): Promise<number> {
    const answer = await this.#counter.take(this.#name(), units);
    if (answer === undefined) return 0; // Redis has just gone, and this process has counted
    this.#leftOfAll = answer.left;
    if (answer.isTaken) return 0;
    this.#local.give(units, now);
    // A counter that is not refilled does not know when its day ends.
    return answer.wait > 0 ? answer.wait : this.secondsToMore() * 1000;
  }
}
