const windowSeconds = 10;

/** How much there was, and how much a second lately. */
export class Meter {
  readonly #now: () => number;
  /** Amounts of the latest seconds, by second modulo the window. */
  readonly #amounts = new Float64Array(windowSeconds + 1);
  #second: number;
  #total = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#second = Math.floor(now() / 1000);
  }

  add(amount: number): void {
    this.#advance();
    this.#total += amount;
    this.#amounts[this.#second % this.#amounts.length]! += amount;
  }

  total(): number {
    return this.#total;
  }

  /** Over the ten whole seconds before this one. */
  perSecond(): number {
    this.#advance();
    const current = this.#amounts[this.#second % this.#amounts.length]!;
    return (this.#amounts.reduce((sum, amount) => sum + amount, 0) - current) / windowSeconds;
  }

  #advance(): void {
    const second = Math.floor(this.#now() / 1000);
    const steps = Math.min(second - this.#second, this.#amounts.length);
    for (let step = 1; step <= steps; step++) {
      this.#amounts[(second - steps + step) % this.#amounts.length] = 0;
    }
    this.#second = second;
  }
}
