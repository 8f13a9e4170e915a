import type { Logger } from "../../common/log/logger.ts";
import { longestDelay, type Scheduler } from "../../common/scheduler.ts";
import type { QueueMetrics } from "./queueMetrics.ts";

/** When a key that was worked on successfully should be again, in milliseconds; only when added. */
export type Again = { readonly after: number } | undefined;

export interface WorkQueueOptions {
  /** Keys worked on at the same time. */
  readonly workers: number;
  /** Works on a key; when it throws, the key is tried again after a pause. */
  readonly work: (key: string, signal: AbortSignal) => Promise<Again>;
  readonly scheduler: Scheduler;
  readonly metrics: QueueMetrics;
  readonly log: Logger;
}

/** Pause after the n-th failure in a row: 5 ms · 2ⁿ⁻¹, at most 1000 s; as controller-runtime's. */
const retry = { min: 5, max: 1_000_000 };

/**
 * What is known of a key. It is there while any of this holds:
 * - ready: waits for a worker; has its place in the line.
 * - running: a worker has it. Added meanwhile, it is `dirty`, and ready when the worker is done.
 * - due: is added at a later time. A run that starts before stands for that one as well, since work
 *   is on the newest state and says itself when it wants to be called again.
 */
interface Entry {
  state: "idle" | "ready" | "running" | "dirty";
  readySince: number;
  failures: number;
  due: { readonly at: number; readonly cancel: () => void } | undefined;
}

/**
 * Keys to work on: each once in the line, never on two workers at once, first come first served.
 * Its memory is bounded by the number of different keys that are added.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  /** In the order they came. */
  readonly #ready = new Set<string>();
  readonly #aborting = new AbortController();
  readonly #drained = Promise.withResolvers<void>();
  #running = 0;
  #begun = false;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    options.metrics.watch(this, options.workers);
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Keys that are worked on. */
  get running(): number {
    return this.#running;
  }

  /** From now on keys are worked on; they may be added before. */
  begin(): void {
    this.#begun = true;
    this.#startNext();
  }

  /** Puts a key at the end of the line, unless it has its place already. */
  add(key: string): void {
    if (this.#stopped) return;
    const entry = this.#entry(key);
    if (entry.state === "ready" || entry.state === "dirty") return;
    this.#options.metrics.added();
    entry.readySince = this.#options.scheduler.monotonic();
    if (entry.state === "running") {
      entry.state = "dirty";
      return;
    }
    entry.state = "ready";
    this.#ready.add(key);
    this.#startNext();
  }

  /** Adds a key later; of several times the earliest counts. At most about 24.8 days: then early. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopped) return;
    if (milliseconds <= 0) return this.add(key);
    const { scheduler } = this.#options;
    const delay = Math.min(milliseconds, longestDelay);
    const at = scheduler.monotonic() + delay;
    const entry = this.#entry(key);
    if (entry.due !== undefined && entry.due.at <= at) return;
    entry.due?.cancel();
    const cancel = scheduler.after(delay, () => {
      entry.due = undefined;
      this.add(key);
    });
    entry.due = { at, cancel };
  }

  /**
   * Starts no more; resolves when what is running has ended.
   * @param signal aborts what is running
   */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#ready.clear();
    for (const { due } of this.#entries.values()) due?.cancel();
    const abort = (): void => this.#aborting.abort();
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    if (this.#running === 0) this.#drained.resolve();
    await this.#drained.promise;
    signal.removeEventListener("abort", abort);
  }

  #entry(key: string): Entry {
    const found = this.#entries.get(key);
    if (found !== undefined) return found;
    const entry: Entry = { state: "idle", readySince: 0, failures: 0, due: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  #startNext(): void {
    for (const key of this.#ready) {
      if (!this.#begun || this.#running >= this.#options.workers) return;
      this.#ready.delete(key);
      void this.#run(key, this.#entry(key));
    }
  }

  /** Never throws. */
  async #run(key: string, entry: Entry): Promise<void> {
    const { scheduler, metrics } = this.#options;
    entry.due?.cancel();
    entry.due = undefined;
    entry.state = "running";
    this.#running++;
    const start = scheduler.monotonic();
    metrics.started(start - entry.readySince);
    const again = await this.#work(key, entry);
    metrics.ended(scheduler.monotonic() - start);
    this.#running--;
    if (!this.#stopped) this.#settle(key, entry, again);
    else if (this.#running === 0) this.#drained.resolve();
  }

  #settle(key: string, entry: Entry, again: Again): void {
    if (entry.state === "dirty") this.#ready.add(key);
    entry.state = entry.state === "dirty" ? "ready" : "idle";
    if (again !== undefined) this.addAfter(key, again.after);
    if (entry.state === "idle" && entry.due === undefined) this.#entries.delete(key);
    this.#startNext();
  }

  /** @returns when to work on the key again, after a failure as well */
  async #work(key: string, entry: Entry): Promise<Again> {
    const { work, metrics, log } = this.#options;
    try {
      const again = await work(key, this.#aborting.signal);
      metrics.result(again === undefined ? "success" : "requeue_after");
      entry.failures = 0;
      return again;
    } catch (error) {
      const failures = ++entry.failures;
      const after = Math.min(retry.min * 2 ** Math.min(failures - 1, 50), retry.max);
      metrics.result("error");
      log.error({ object: key, failures, retryMilliseconds: after, error }, "will retry");
      return { after };
    }
  }
}
