import type { Draw, EntropyBuffer } from "../buffer.ts";

interface Waiter {
  readonly bytes: number;
  readonly give: (draw: Draw | undefined) => void;
}

/**
 * Those who wait for bytes, served in the order they came: whoever asks later, waiting or not, gets
 * nothing before them, so a large request cannot be starved by many small ones.
 */
export class WaitQueue {
  readonly #buffer: EntropyBuffer;
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();

  /** @param limit how many may wait at once */
  constructor(buffer: EntropyBuffer, limit: number) {
    this.#buffer = buffer;
    this.#limit = limit;
    buffer.onMore(() => this.#serve());
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Fresh bytes that nobody waits for. */
  available(): number {
    return this.#waiters.size === 0 ? this.#buffer.available() : 0;
  }

  /** The bytes at once, or undefined when there are too few or when others wait. */
  takeNow(bytes: number): Draw | undefined {
    return this.#waiters.size === 0 ? this.#buffer.take(bytes) : undefined;
  }

  /**
   * The bytes as soon as they are there.
   * @returns undefined after `milliseconds`, when `signal` aborts, or when too many wait already
   */
  async take(bytes: number, milliseconds: number, signal: AbortSignal): Promise<Draw | undefined> {
    const now = this.takeNow(bytes);
    if (now !== undefined || signal.aborted || this.#waiters.size >= this.#limit) return now;
    const { promise, resolve } = Promise.withResolvers<Draw | undefined>();
    const waiter = { bytes, give: resolve };
    const leave = (): void => {
      this.#waiters.delete(waiter);
      resolve(undefined);
      this.#serve(); // the one behind may ask for less
    };
    const timer = setTimeout(leave, milliseconds);
    signal.addEventListener("abort", leave, { once: true });
    this.#waiters.add(waiter);
    const draw = await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
    return draw;
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const draw = this.#buffer.take(waiter.bytes);
      if (draw === undefined) return;
      this.#waiters.delete(waiter);
      waiter.give(draw);
    }
  }
}
