const windowSeconds = 10;

/** How many requests were served, and how many a second lately. */
export class RequestMeter {
  readonly #now: () => number;
  /** Counts of the latest seconds, by second modulo the window. */
  readonly #counts = new Float64Array(windowSeconds + 1);
  #second: number;
  #total = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#second = Math.floor(now() / 1000);
  }

  add(): void {
    this.#advance();
    this.#total += 1;
    this.#counts[this.#second % this.#counts.length]! += 1;
  }

  total(): number {
    return this.#total;
  }

  /** Over the ten whole seconds before this one. */
  perSecond(): number {
    this.#advance();
    const current = this.#counts[this.#second % this.#counts.length]!;
    return (this.#counts.reduce((sum, count) => sum + count, 0) - current) / windowSeconds;
  }

  #advance(): void {
    const second = Math.floor(this.#now() / 1000);
    const steps = Math.min(second - this.#second, this.#counts.length);
    for (let step = 1; step <= steps; step++) {
      this.#counts[(second - steps + step) % this.#counts.length] = 0;
    }
    this.#second = second;
  }
}
