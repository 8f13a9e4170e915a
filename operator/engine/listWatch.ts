import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";
import { backoffDelay } from "../../common/wait.ts";
import type { ApiClient } from "../api/client.ts";
import { ApiError, hasCode } from "../api/errors.ts";
import { keyOf, type ApiObject } from "../api/object.ts";
import type { Selection } from "../api/options.ts";
import type { ApiCall, Resource } from "../api/resources.ts";
import type { WatchEvent } from "../api/watchEvents.ts";
import { informerEvents, type Handler, type Informer } from "./informer.ts";
import { ObjectStore, type Change } from "./objectStore.ts";

export interface ListWatchOptions<T> {
  readonly client: ApiClient;
  readonly resource: Resource;
  readonly selection?: Selection;
  /** What of an object is held, which bounds the memory; undefined leaves the object out. */
  readonly project: (object: ApiObject) => T | undefined;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly log: Logger;
}

const pageSize = 500;
/** A list whose pages expire so often in a row is asked for in one piece. */
const pagedAttempts = 3;
/** Between attempts, in milliseconds. */
const backoff = { min: 1_000, max: 30_000 };
/** A watch that lasted so many milliseconds worked, also when nothing happened meanwhile. */
const lived = 5_000;
/** In milliseconds. The API server's first bookmark comes after two minutes, then one each minute. */
const silence = 150_000;
/** As client-go's: a watch ends after 5 to 10 minutes, so that load spreads over API servers. */
const watchSeconds = 300;

/**
 * Lists, then watches, and never gives up:
 * - no version known: list. Pages are taken as they come; what the whole list lacks is dropped.
 * - version known: watch from it. Each event and bookmark brings a newer one.
 * - the watch ends in good order, or nothing came for 150 s: watch again at once.
 * - 410 Gone, as an answer or as an event: the version is forgotten; list after a pause.
 * - anything else: the same again after a pause, which grows while it does not get better.
 */
export class ListWatch<T> implements Informer<T> {
  readonly name: string;
  readonly events = new Tally(informerEvents);
  readonly #options: ListWatchOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly parts = [this];
  readonly #handlers: Handler<T>[] = [];
  readonly #problemHandlers: ((problem: Error | undefined) => void)[] = [];
  readonly #stopping = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  readonly #done: Promise<void>;
  #version: string | undefined;
  /** Attempts in a row that came to nothing. */
  #failures = 0;
  /** Times in a row that a version was too old, before a list came to its end. */
  #expired = 0;
  #problem: Error | undefined;

  constructor(options: ListWatchOptions<T>) {
    const { resource, selection } = options;
    const group = resource.group === "" ? "" : `.${resource.group}`;
    const scope = selection?.namespace === undefined ? "" : ` in ${selection.namespace}`;
    this.name = `${resource.plural}${group}${scope}`;
    this.#options = options;
    this.#store = new ObjectStore((object) => this.#project(object));
    this.#done = this.#run(this.#stopping.signal);
  }

  get synced(): Promise<void> {
    return this.#firstList.promise;
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  entries(): Iterable<readonly [string, T]> {
    return this.#store.entries();
  }

  subscribe(handler: Handler<T>): void {
    this.#handlers.push(handler);
    for (const [key, object] of this.#store.entries()) {
      this.#tell(handler, { type: "added", key, object });
    }
  }

  problem(): Error | undefined {
    return this.#problem;
  }

  onProblem(handler: (problem: Error | undefined) => void): void {
    this.#problemHandlers.push(handler);
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let wait: number;
      try {
        this.#version ??= await this.#list(signal);
        const worked = await this.#watch(this.#version, signal);
        wait = worked ? 0 : this.#failed(signal);
      } catch (error) {
        wait = this.#failed(signal, error);
      }
      await pause(this.#options.scheduler, wait, signal);
    }
  }

  /** @returns the version that the whole list shows */
  async #list(signal: AbortSignal): Promise<string> {
    const { client, resource, selection = {} } = this.#options;
    this.events.add("list");
    const limit = this.#expired < pagedAttempts ? pageSize : undefined;
    const seen = new Set<string>();
    for (let next: string | undefined; ;) {
      const page = await client.list(resource, selection, { limit, continue: next, signal });
      for (const object of page.items) {
        seen.add(keyOf(object.metadata));
        this.#deliver(this.#store.put(object));
      }
      next = page.continue;
      if (next !== undefined) continue;
      this.#deliver(this.#store.retain(seen));
      this.#expired = 0;
      this.#firstList.resolve();
      return page.resourceVersion;
    }
  }

  /** Resolves when it ended in good order: whether it lasted or brought anything. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<boolean> {
    const { client, resource, selection = {}, random, scheduler } = this.#options;
    const timeoutSeconds = Math.round(watchSeconds * (1 + random()));
    const options = { resourceVersion, timeoutSeconds, silence, signal };
    const events = await client.watch(resource, selection, options);
    this.events.add("watch");
    this.#works();
    const since = scheduler.monotonic();
    let worked = false;
    try {
      for await (const event of events) {
        this.#take(event);
        worked = true;
      }
    } catch (error) {
      if (!hasCode(error, "ERR_API_TIMEOUT")) throw error;
      this.events.add("silent");
    } finally {
      worked ||= scheduler.monotonic() - since >= lived;
      if (worked) this.#failures = 0;
    }
    return worked;
  }

  #take(event: WatchEvent): void {
    if (event.type === "BOOKMARK") {
      this.#version = event.resourceVersion;
      return;
    }
    const { object, type } = event;
    this.#deliver(type === "DELETED" ? this.#store.remove(object) : this.#store.put(object));
    this.#version = object.metadata.resourceVersion;
  }

  #works(): void {
    if (this.#problem === undefined) return;
    this.#options.log.info({ informer: this.name }, "follows");
    this.#turn(undefined);
  }

  #turn(problem: Error | undefined): void {
    this.#problem = problem;
    for (const handler of this.#problemHandlers) handler(problem);
  }

  /** @returns milliseconds to wait */
  #failed(signal: AbortSignal, error?: unknown): number {
    if (signal.aborted) return 0;
    const { random, log } = this.#options;
    const wait = backoffDelay(this.#failures++, backoff, random);
    if (hasCode(error, "ERR_API_EXPIRED")) {
      this.events.add("expired");
      this.#expired++;
      this.#version = undefined;
      return wait;
    }
    this.events.add("broken");
    // A line per change of state: a server that is down for a week writes one.
    if (this.#problem === undefined) log.warn({ informer: this.name, error }, "does not follow");
    this.#turn(error instanceof Error ? error : this.#endedAtOnce());
    return error instanceof ApiError ? Math.max(wait, error.retryAfter ?? 0) : wait;
  }

  #endedAtOnce(): ApiError {
    const { resource, selection } = this.#options;
    const call: ApiCall = { verb: "watch", resource, namespace: selection?.namespace };
    return new ApiError("ERR_API_UNREACHABLE", "ended as soon as it began", { call });
  }

  #deliver(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      for (const handler of this.#handlers) this.#tell(handler, change);
    }
  }

  #tell(handler: Handler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      const { log } = this.#options;
      log.error({ informer: this.name, object: change.key, error }, "a handler failed");
    }
  }

  #project(object: ApiObject): T | undefined {
    const { log, project } = this.#options;
    try {
      return project(object);
    } catch (error) {
      log.error({ informer: this.name, object: keyOf(object.metadata), error }, "left out");
      return undefined;
    }
  }
}

/** An object less the record of who wrote which field, which is often its largest part. */
export function withoutManagedFields(object: ApiObject): ApiObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
