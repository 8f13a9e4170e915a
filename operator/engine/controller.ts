import type { Logger } from "../../common/log/logger.ts";
import type { Scheduler } from "../../common/scheduler.ts";
import type { Running } from "../../common/shutdown.ts";
import type { Informer } from "./informer.ts";
import type { Change } from "./objectStore.ts";
import type { QueueMetrics } from "./queueMetrics.ts";
import { WorkQueue, type Again } from "./workQueue.ts";

/** A collection, and whom its changes concern. */
export interface Source {
  readonly synced: Promise<void>;
  /** Hands `add` the keys that each change concerns, beginning with what is there. */
  feed(add: (key: string) => void): void;
}

/** @param keysOf the keys that a change concerns */
export function source<T>(
  informer: Informer<T>,
  keysOf: (change: Change<T>) => readonly string[],
): Source {
  return {
    synced: informer.synced,
    feed: (add) => informer.subscribe((change) => keysOf(change).forEach(add)),
  };
}

export interface ControllerOptions {
  /** For metrics and the log. */
  readonly name: string;
  readonly sources: readonly Source[];
  readonly workers: number;
  /** Brings what belongs to a key into order; called for keys whose object is gone as well. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Again>;
  readonly scheduler: Scheduler;
  readonly metrics: QueueMetrics;
  readonly log: Logger;
}

export interface Controller extends Running {
  /** Asks for a reconcile, besides those that changes ask for. */
  add(key: string): void;
  addAfter(key: string, milliseconds: number): void;
  /**
   * Starts no more reconciles. Those under way may end by themselves for 20 s; then their signal
   * aborts, and 5 s later they are left to the end of the process.
   */
  stop(): Promise<void>;
}

const grace = 20_000;
const abortGrace = 5_000;

/**
 * Reconciles the keys that its sources name. It begins when all of them are synced, since a
 * reconcile that sees half of the cluster would put the other half away.
 */
export function startController(options: ControllerOptions): Controller {
  const { name, sources, workers, reconcile, scheduler, metrics, log } = options;
  const queue = new WorkQueue({ workers, work: reconcile, scheduler, metrics, log });
  let stopped: Promise<void> | undefined;

  const begin = async (): Promise<void> => {
    await Promise.all(sources.map(({ synced }) => synced));
    if (stopped !== undefined) return;
    log.info({ controller: name }, "begins");
    for (const { feed } of sources) feed((key) => queue.add(key));
    queue.begin();
  };
  void begin();

  const stop = async (): Promise<void> => {
    const aborting = new AbortController();
    const gone = Promise.withResolvers<void>();
    const cancels = [
      scheduler.after(grace, () => aborting.abort()),
      scheduler.after(grace + abortGrace, () => {
        log.warn({ controller: name, running: queue.running }, "reconciles do not end");
        gone.resolve();
      }),
    ];
    await Promise.race([queue.stop(aborting.signal), gone.promise]);
    for (const cancel of cancels) cancel();
  };
  return {
    add: (key) => queue.add(key),
    addAfter: (key, milliseconds) => queue.addAfter(key, milliseconds),
    stop: () => (stopped ??= stop()),
  };
}
