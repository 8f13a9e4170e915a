import { pause, type Scheduler } from "../common/scheduler.ts";
import type { Logger } from "../common/log/logger.ts";
import type { Running } from "../common/shutdown.ts";
import type { ApiClient } from "./api/client.ts";
import type { Resource } from "./api/resources.ts";
import type { OfferedKinds } from "./build/facts.ts";
import type { Informer } from "./engine/informer.ts";
import { optionalKinds, type OptionalKind, optionalNames } from "./reconcile/kinds.ts";
import type { KnownObject } from "./reconcile/owned.ts";

export interface OfferedOptions {
  readonly client: ApiClient;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Follows a kind that the cluster has. */
  readonly watch: (resource: Resource) => Informer<KnownObject>;
  /** Told of each kind that comes, once its objects are known, or goes. */
  readonly changed: (resource: Resource, informer: Informer<KnownObject> | undefined) => void;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/**
 * Which kinds of others the cluster has: asked from time to time by discovery, which everybody may,
 * since a watch of CRDs would take a right on the whole cluster.
 */
export class Offered implements Running {
  readonly #options: OfferedOptions;
  readonly #followed = new Map<OptionalKind, Informer<KnownObject>>();
  readonly #known = new Set<OptionalKind>();
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  /** @returns when it was asked once */
  static async start(options: OfferedOptions): Promise<Offered> {
    const offered = new Offered(options);
    await offered.#look();
    return offered;
  }

  private constructor(options: OfferedOptions) {
    this.#options = options;
    this.#done = this.#run(this.#stopping.signal);
  }

  kinds(): OfferedKinds {
    const known = (name: OptionalKind): boolean => this.#known.has(name);
    return {
      certificate: known("certificate"),
      serviceMonitor: known("serviceMonitor"),
      prometheusRule: known("prometheusRule"),
    };
  }

  informers(): readonly Informer<unknown>[] {
    return [...this.#followed.values()];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
    await Promise.all(this.informers().map((informer) => informer.stop()));
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { scheduler, interval } = this.#options;
    while (!signal.aborted) {
      await pause(scheduler, interval, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  /** A failed look changes nothing: what is not known to be gone is there. */
  async #look(): Promise<void> {
    const { client, log } = this.#options;
    const { signal } = this.#stopping;
    await Promise.all(
      optionalNames.map(async (name) => {
        try {
          const isServed = await client.serves(optionalKinds[name], { signal });
          if (isServed !== this.#followed.has(name)) await this.#change(name, isServed);
        } catch (error) {
          if (!signal.aborted)
            log.warn({ kind: optionalKinds[name].kind, error }, "cannot be found out");
        }
      }),
    );
  }

  async #change(name: OptionalKind, isServed: boolean): Promise<void> {
    const { watch, changed, log } = this.#options;
    const resource = optionalKinds[name];
    log.info({ kind: resource.kind, served: isServed }, "kinds of the cluster changed");
    if (isServed) {
      const informer = watch(resource);
      this.#followed.set(name, informer);
      this.#known.add(name);
      changed(resource, informer);
      return;
    }
    const informer = this.#followed.get(name);
    this.#followed.delete(name);
    this.#known.delete(name);
    await informer?.stop();
    changed(resource, undefined);
  }
}
