import type { LocalLimit } from "./limit.ts";

export interface BucketOptions {
  /** Tokens that it holds at most, and at first. */
  readonly capacity: number;
  readonly perSecond: number;
}

/** Tokens that come back at a steady rate; counted only when somebody asks. */
export class TokenBucket implements LocalLimit {
  #options: BucketOptions;
  #tokens: number;
  #countedAt: number;

  /** @param now monotonic milliseconds */
  constructor(options: BucketOptions, now: number) {
    this.#options = options;
    this.#tokens = options.capacity;
    this.#countedAt = now;
  }

  take(tokens: number, now: number): number {
    this.#refill(now);
    const { capacity, perSecond } = this.#options;
    if (tokens > capacity) return Number.POSITIVE_INFINITY;
    if (tokens > this.#tokens) return ((tokens - this.#tokens) / perSecond) * 1000;
    this.#tokens -= tokens;
    return 0;
  }

  give(tokens: number, now: number): void {
    this.#refill(now);
    this.#tokens = Math.min(this.#options.capacity, this.#tokens + tokens);
  }

  left(now: number): number {
    this.#refill(now);
    return Math.floor(this.#tokens);
  }

  secondsToMore(): number {
    return Math.max(1, Math.ceil(1 / this.#options.perSecond));
  }

  /** Other options from now on; what was used up stays used. */
  change(options: BucketOptions, now: number): void {
    this.#refill(now);
    const used = this.#options.capacity - this.#tokens;
    this.#options = options;
    this.#tokens = Math.max(0, options.capacity - used);
  }

  #refill(now: number): void {
    const { capacity, perSecond } = this.#options;
    const refill = ((now - this.#countedAt) / 1000) * perSecond;
    this.#tokens = Math.min(capacity, this.#tokens + Math.max(0, refill));
    this.#countedAt = Math.max(now, this.#countedAt);
  }
}
