import { systemClock, type Clock } from "./clock.ts";

/** Time that also wakes, as an argument. */
export interface Scheduler extends Clock {
  /**
   * Calls `run` once after `milliseconds`.
   * @returns what cancels it; of no effect once it has run
   */
  after(milliseconds: number, run: () => void): () => void;
}

/** Node's timers take no more (about 24.8 days); beyond it they would fire at once. */
export const longestDelay = 2 ** 31 - 1;

export const systemScheduler: Scheduler = {
  ...systemClock,
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.min(Math.max(milliseconds, 0), longestDelay));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `milliseconds`, or at once when `signal` aborts; never throws. */
export async function pause(
  scheduler: Scheduler,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = scheduler.after(milliseconds, resolve);
  const abort = (): void => resolve();
  signal.addEventListener("abort", abort, { once: true });
  await promise;
  cancel();
  signal.removeEventListener("abort", abort);
}
