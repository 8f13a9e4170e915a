import type { Scheduler } from "../../common/scheduler.ts";
import type { Informer } from "../engine/informer.ts";
import type { BridgePod } from "./bridgePod.ts";

type Pods = Pick<Informer<BridgePod>, "get" | "subscribe">;

/** Waits for what becomes of pods, as the watch tells. */
export class PodWaits {
  readonly #informer: Pods;
  readonly #scheduler: Scheduler;
  readonly #wakes = new Set<() => void>();

  constructor(informer: Pods, scheduler: Scheduler) {
    this.#informer = informer;
    this.#scheduler = scheduler;
    informer.subscribe(() => {
      for (const wake of this.#wakes) wake();
    });
  }

  /** @param key `namespace/name` */
  get(key: string): BridgePod | undefined {
    return this.#informer.get(key);
  }

  /**
   * Waits until `find` gives something, and gives that.
   * @param limit milliseconds
   * @returns undefined when it has not by then, or when `signal` aborts
   */
  async until<T>(
    find: () => T | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const wake = (): void => {
      const found = find();
      if (found !== undefined) resolve(found);
    };
    const end = (): void => resolve(undefined);
    const cancel = this.#scheduler.after(limit, end);
    signal.addEventListener("abort", end, { once: true });
    this.#wakes.add(wake);
    if (signal.aborted) end();
    else wake();
    try {
      return await promise;
    } finally {
      cancel();
      signal.removeEventListener("abort", end);
      this.#wakes.delete(wake);
    }
  }
}
