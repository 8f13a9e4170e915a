import { randomBytes } from "node:crypto";
import { nanosecondsToMilliseconds } from "../../common/clock.ts";
import type { Logger } from "../../common/log/logger.ts";
import type { Tally } from "../../common/metrics.ts";
import type { Scheduler } from "../../common/scheduler.ts";
import type { Running } from "../../common/shutdown.ts";
import type { ApiClient } from "../api/client.ts";
import type { Informer } from "../engine/informer.ts";
import { type BridgePod, nodesOf } from "./bridgePod.ts";
import { PodWaits } from "./podWaits.ts";
import type { CheckOutcome, CheckResult } from "./result.ts";
import { type CheckRequest, runCheck } from "./run.ts";
import { deletePod } from "./sitePods.ts";

export interface ChecksOptions {
  readonly client: ApiClient;
  readonly pods: Informer<BridgePod>;
  /** Told of a bridge whose check has ended. */
  readonly ended: (bridge: string) => void;
  /** Counts what checks come to. */
  readonly outcomes: Tally<CheckOutcome>;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/** Checks that run at the same time. */
export const slots = 5;

interface Job {
  request: CheckRequest;
  /** Undefined while it waits for a slot. */
  running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
}

/**
 * The one-way checks of all bridges, beside the reconciles: at most five at once, first come first
 * served. A pod of the check that belongs to none of them is deleted, whoever left it.
 */
export class OneWayChecks implements Running {
  readonly #options: ChecksOptions;
  readonly #waits: PodWaits;
  /** By bridge, in the order they came. */
  readonly #jobs = new Map<string, Job>();
  readonly #results = new Map<string, CheckResult>();
  /** Labels of the pods of what runs. */
  readonly #runs = new Map<string, Set<string>>();
  #stopped = false;

  constructor(options: ChecksOptions) {
    this.#options = options;
    this.#waits = new PodWaits(options.pods, options.scheduler);
    options.pods.subscribe(({ type, object }) => {
      if (type !== "deleted") this.#sweep(object);
    });
  }

  get running(): number {
    return [...this.#jobs.values()].filter(({ running }) => running !== undefined).length;
  }

  /** Asks for a check; one that is under way for the same policies is that one. */
  want(request: CheckRequest): void {
    if (this.#stopped) return;
    const { key, facts, policiesHash } = request;
    const job = this.#jobs.get(key);
    if (job?.running === undefined) {
      this.#jobs.set(key, { request, running: undefined });
      return this.#startNext();
    }
    const { uid } = job.request.facts.bridge.metadata;
    const isSame = uid === facts.bridge.metadata.uid && job.request.policiesHash === policiesHash;
    if (!isSame) job.running.abort.abort(); // once it has ended, the bridge asks again
  }

  /** The nodes that a bridge's own pods are on, sorted. */
  nodes(key: string): string[] {
    return nodesOf(this.#options.pods, key);
  }

  /** What the last check of this very bridge came to in this process. */
  latest(key: string, uid: string): CheckResult | undefined {
    const result = this.#results.get(key);
    return result?.uid === uid ? result : undefined;
  }

  /** The bridge is gone, or has no use for a check. */
  forget(key: string): void {
    this.#results.delete(key);
    const job = this.#jobs.get(key);
    if (job?.running === undefined) this.#jobs.delete(key);
    else job.running.abort.abort();
  }

  /**
   * Deletes what checks have left of a bridge's pods.
   * @throws ApiError where it may or can not
   */
  async clear(key: string): Promise<void> {
    const all = [...this.#options.pods.entries()].map(([, pod]) => pod);
    const left = all.filter((pod) => pod.bridge === key && this.#isLeft(pod));
    await Promise.all(left.map((pod) => deletePod(this.#options.client, startedOf(pod))));
  }

  /** Ends what is under way, and deletes its pods. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const running = [...this.#jobs.values()].flatMap(({ running }) => running ?? []);
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ done }) => done));
  }

  #startNext(): void {
    for (const [key, job] of this.#jobs) {
      if (this.#stopped || this.running >= slots) return;
      if (job.running !== undefined) continue;
      const abort = new AbortController();
      job.running = { abort, done: this.#run(key, job.request, abort.signal) };
    }
  }

  async #run(key: string, request: CheckRequest, signal: AbortSignal): Promise<void> {
    const { client, scheduler, log, ended, outcomes } = this.#options;
    const runs = new Set<string>();
    this.#runs.set(key, runs);
    const nextRun = (): string => {
      const run = randomBytes(4).toString("hex");
      runs.add(run);
      return run;
    };
    const now = (): number => nanosecondsToMilliseconds(scheduler.wall());
    log.info({ object: key, sites: request.sites.length }, "one-way check begins");
    const deps = { client, waits: this.#waits, nextRun, now, log };
    const result = await runCheck(deps, request, signal);
    this.#jobs.delete(key);
    this.#runs.delete(key);
    if (!signal.aborted) {
      this.#results.set(key, result);
      outcomes.add(result.outcome);
      log.info({ object: key, outcome: result.outcome }, "one-way check ended");
    }
    for (const [, pod] of this.#options.pods.entries()) this.#sweep(pod); // what came late
    if (this.#stopped) return;
    ended(key);
    this.#startNext();
  }

  /** What fails here is told by the bridge's next reconcile, which clears. */
  #sweep(pod: BridgePod): void {
    if (!this.#isLeft(pod)) return;
    void deletePod(this.#options.client, startedOf(pod)).catch(() => undefined);
  }

  #isLeft({ run, isBridges, isBeingDeleted, bridge }: BridgePod): boolean {
    if (run === undefined || !isBridges || isBeingDeleted) return false;
    return this.#runs.get(bridge)?.has(run) !== true;
  }
}

function startedOf({ namespace, name, uid }: BridgePod): { key: string; uid: string } {
  return { key: `${namespace}/${name}`, uid };
}
