import { Gauge, type Registry } from "prom-client";
import type { Logger } from "../../common/log/logger.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";
import type { Running } from "../../common/shutdown.ts";
import type { ApiClient } from "../api/client.ts";
import { ApiError, hasCode } from "../api/errors.ts";
import type { ApiObject } from "../api/object.ts";
import { apiVersion, type ObjectName } from "../api/resources.ts";
import { heldBy, leases, mayTake, observe, released } from "./lease.ts";
import type { LeaseSpec, Observation } from "./lease.ts";

/** In milliseconds; as those of client-go's programs. */
const duration = 15_000;
const renewDeadline = 10_000;
const retryPeriod = 2_000;
const callTimeout = renewDeadline / 2;
/** Candidates wait up to so much longer than `retryPeriod`, that they do not come all at once. */
const jitter = 1.2;

export interface LeaderElectionOptions {
  /** Its writes must not pass this election's fence. */
  readonly client: ApiClient;
  readonly lease: ObjectName;
  /** Of this process and of no other one ever: a pod's name and a random part. */
  readonly identity: string;
  /** Called once, when the lease is lost: the process must end at once. */
  readonly onLost: () => void;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Election by a Lease. The leader renews every 2 s, and has lost when 10 s have passed since it sent
 * its last renewal that succeeded. Others take a lease that they saw unchanged for 15 s, so that the
 * loser has at least 5 s to end.
 */
export class LeaderElection implements Running {
  readonly #options: LeaderElectionOptions;
  readonly #elected = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #seen: Observation | undefined;
  /** Monotonic milliseconds. */
  #leadsUntil = -Infinity;
  #cancelDeadline: () => void = () => undefined;
  #lost = false;
  #failing = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#done = this.#run(this.#stopping.signal);
  }

  /** Resolves when this process leads; never, when it is stopped before. */
  get elected(): Promise<void> {
    return this.#elected.promise;
  }

  /**
   * Asks the clock and no timer: a process that was paused for longer than its lease would else go on
   * with what it had begun before its timers run.
   */
  leads(): boolean {
    return this.#options.scheduler.monotonic() < this.#leadsUntil;
  }

  /**
   * For the API client, before each write.
   * @throws ApiError ERR_API_FENCED when this process does not lead
   */
  readonly fence = (): void => {
    if (this.leads()) return;
    throw new ApiError("ERR_API_FENCED", "not sent: this process does not hold the lease");
  };

  /** Gives the lease back, so that the next one need not wait. What writes must have ended before. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
    this.#cancelDeadline();
    if (!this.leads()) return;
    this.#leadsUntil = -Infinity;
    const { client, lease, identity, scheduler, log } = this.#options;
    try {
      const found = await client.get(leases, lease, { timeout: callTimeout });
      if (found === undefined) return;
      const { spec } = observe(undefined, found, 0);
      if (spec.holderIdentity !== identity) return;
      await this.#replace(found.metadata.resourceVersion, released(spec, scheduler.wall()));
      log.info({ lease: lease.name }, "lease given back");
    } catch (error) {
      log.warn({ lease: lease.name, error }, "lease not given back");
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { scheduler, random, lease, log } = this.#options;
    while (!signal.aborted && !this.#lost) {
      try {
        await this.#attempt(signal);
        this.#failing = false;
      } catch (error) {
        if (!signal.aborted && !this.#failing) {
          log.warn({ lease: lease.name, error }, "lease cannot be read or written");
          this.#failing = true;
        }
      }
      const wait = this.leads() ? retryPeriod : retryPeriod * (1 + jitter * random());
      await pause(scheduler, wait, signal);
    }
  }

  /** Renews the lease, takes it, or sees who has it. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const { client, lease, identity, scheduler } = this.#options;
    // A leader writes first: what it saw last is what it wrote.
    if (this.leads() && this.#seen !== undefined) {
      try {
        return await this.#take(this.#seen, signal);
      } catch (error) {
        if (!hasCode(error, "ERR_API_CONFLICT", "ERR_API_NOT_FOUND")) throw error;
      }
    }
    const found = await client.get(leases, lease, { timeout: callTimeout, signal });
    if (found === undefined) return this.#take(undefined, signal);
    this.#seen = observe(this.#seen, found, scheduler.monotonic());
    const { spec } = this.#seen;
    if (this.leads() && spec.holderIdentity !== identity) return this.#lose("another holds it");
    if (mayTake(this.#seen, identity, scheduler.monotonic(), duration)) {
      await this.#take(this.#seen, signal);
    }
  }

  /** @param seen undefined when there is no lease yet */
  async #take(seen: Observation | undefined, signal: AbortSignal): Promise<void> {
    const { lease, identity, scheduler, log } = this.#options;
    // Before it is sent: others see it no earlier.
    const at = scheduler.monotonic();
    const spec = heldBy(identity, seen?.spec ?? {}, scheduler.wall(), duration / 1_000);
    const stored =
      seen === undefined
        ? await this.#create(spec, signal)
        : await this.#replace(seen.resourceVersion, spec, signal);
    this.#seen = observe(undefined, stored, at);
    if (this.#lost) return;
    if (this.#leadsUntil === -Infinity) log.info({ lease: lease.name }, "leads");
    this.#leadsUntil = at + renewDeadline;
    this.#cancelDeadline();
    this.#cancelDeadline = scheduler.after(this.#leadsUntil - scheduler.monotonic(), () =>
      this.#lose("could not be renewed"),
    );
    this.#elected.resolve();
  }

  #create(spec: LeaseSpec, signal: AbortSignal): Promise<ApiObject> {
    const { client, lease } = this.#options;
    const object = this.#object(spec);
    return client.create(leases, lease.namespace, object, { timeout: callTimeout, signal });
  }

  #replace(resourceVersion: string, spec: LeaseSpec, signal?: AbortSignal): Promise<ApiObject> {
    const { client, lease } = this.#options;
    const options = { timeout: callTimeout, ...(signal === undefined ? {} : { signal }) };
    return client.replace(leases, lease, this.#object(spec, resourceVersion), options);
  }

  #object(spec: LeaseSpec, resourceVersion?: string): object {
    const metadata = { ...this.#options.lease, resourceVersion };
    return { apiVersion: apiVersion(leases), kind: leases.kind, metadata, spec };
  }

  #lose(why: string): void {
    if (this.#lost || this.#stopping.signal.aborted) return;
    this.#lost = true;
    this.#leadsUntil = -Infinity;
    this.#cancelDeadline();
    const { lease, log, onLost } = this.#options;
    log.error({ lease: lease.name, why }, "lease lost");
    onLost();
  }
}

/** `leader_election_master_status`, as client-go names it: 1 for who leads. */
export function exposeLeadership(registry: Registry, name: string, leads: () => boolean): void {
  new Gauge({
    name: "leader_election_master_status",
    help: "1 while this process holds the lease of that name, else 0.",
    labelNames: ["name"],
    registers: [registry],
    collect() {
      this.set({ name }, leads() ? 1 : 0);
    },
  });
}
