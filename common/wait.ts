import { setImmediate, setTimeout as delay } from "node:timers/promises";

/** Resolves after `milliseconds`, or at once when `signal` aborts; never throws. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  // A timer takes a millisecond at least; for nothing, the others only have their turn.
  const slept =
    milliseconds > 0
      ? delay(milliseconds, undefined, { signal })
      : setImmediate(undefined, { signal });
  await slept.catch(() => undefined);
}

export interface Backoff {
  readonly min: number;
  readonly max: number;
}

/**
 * Exponential backoff with full jitter: uniform in [0, min · 2^attempt], capped at `max`, so that
 * many that failed together do not come back together.
 * @param attempt 0 for the first failure
 * @param random uniform in [0, 1)
 * @returns milliseconds
 */
export function backoffDelay(attempt: number, { min, max }: Backoff, random: () => number): number {
  return random() * Math.min(max, min * 2 ** Math.min(attempt, 50));
}

/** Something that happened, for those who wait for it. */
export class Notice {
  #waiters = new Set<() => void>();

  /** Wakes all who wait now. */
  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  /** Resolves at the next notify, after `milliseconds` if given, or when `signal` aborts. */
  async wait(signal: AbortSignal, milliseconds?: number): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
    this.#waiters.add(resolve);
    const abort = (): void => resolve();
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(resolve);
      signal.removeEventListener("abort", abort);
    }
  }
}
