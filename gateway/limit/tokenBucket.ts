export interface BucketOptions {
  /** Tokens that it holds at most, and at first. */
  readonly capacity: number;
  readonly perSecond: number;
}

/** Tokens that come back at a steady rate; counted only when somebody asks. */
export class TokenBucket {
  readonly #options: BucketOptions;
  #tokens: number;
  #countedAt: number;

  /** @param now monotonic milliseconds */
  constructor(options: BucketOptions, now: number) {
    this.#options = options;
    this.#tokens = options.capacity;
    this.#countedAt = now;
  }

  /**
   * Takes `tokens`, all or none.
   * @param now monotonic milliseconds
   * @returns 0 when taken, else the milliseconds until they would be there (Infinity: never)
   */
  take(tokens: number, now: number): number {
    const { capacity, perSecond } = this.#options;
    const refill = ((now - this.#countedAt) / 1000) * perSecond;
    this.#tokens = Math.min(capacity, this.#tokens + Math.max(0, refill));
    this.#countedAt = Math.max(now, this.#countedAt);
    if (tokens > capacity) return Number.POSITIVE_INFINITY;
    if (tokens > this.#tokens) return ((tokens - this.#tokens) / perSecond) * 1000;
    this.#tokens -= tokens;
    return 0;
  }
}
