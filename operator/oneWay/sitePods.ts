import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { BridgeError } from "../../common/errors.ts";
import type { ApiClient } from "../api/client.ts";
import { pods } from "../reconcile/kinds.ts";
import type { BridgePod } from "./bridgePod.ts";
import {
  type Addresses,
  type Direction,
  endpointsOf,
  listenedPorts,
  type Place,
} from "./directions.ts";
import { parseReport } from "./parseReport.ts";
import {
  attemptArgs,
  buildCheckPod,
  type CheckFacts,
  checkLabels,
  type CheckPod,
  type Site,
  targetArgs,
} from "./pods.ts";
import type { PodWaits } from "./podWaits.ts";
import { observe, type Observation } from "./verdict.ts";

/** The check could not be carried through; its message says why. */
export class CheckError extends BridgeError {
  constructor(message: string) {
    super("ERR_ONE_WAY_CHECK", message);
  }
}

export interface SiteDeps {
  readonly client: ApiClient;
  readonly waits: PodWaits;
}

export interface SiteRun {
  readonly run: string;
  readonly facts: CheckFacts;
  readonly policies: readonly NetworkPolicy[];
  readonly site: Site;
}

/** Milliseconds for a pod to start, its image and its node's slowness included. */
const startLimit = 120_000;
/** A target outlives all that is tried on it. */
const targetSeconds = 480;

interface Started {
  readonly key: string;
  readonly uid: string;
}

interface Attempts {
  readonly directions: readonly Direction[];
  readonly addresses: Addresses;
  readonly seconds: number;
}

/** The pods of a check on one node. */
export class SitePods {
  readonly #deps: SiteDeps;
  readonly #request: SiteRun;
  readonly #signal: AbortSignal;
  readonly #stack: AsyncDisposableStack;
  readonly #targets = new Map<Place, Started>();
  #site: Site;

  constructor(deps: SiteDeps, request: SiteRun, signal: AbortSignal, stack: AsyncDisposableStack) {
    this.#deps = deps;
    this.#request = request;
    this.#signal = signal;
    this.#stack = stack;
    this.#site = request.site;
  }

  get node(): string {
    return this.#site === "collector" ? "" : this.#site.node;
  }

  /** Where no node is given, the first pod finds one for all. */
  async startTargets(places: readonly Place[]): Promise<Map<Place, BridgePod>> {
    const start = async (place: Place): Promise<[Place, BridgePod]> => [
      place,
      await this.#startTarget(place),
    ];
    const [first, ...others] = places;
    if (first === undefined) return new Map();
    if (this.#site !== "collector") return new Map(await Promise.all(places.map(start)));
    const found = await start(first);
    const [, { node }] = found;
    if (node !== undefined) this.#site = { node };
    return new Map([found, ...(await Promise.all(others.map(start)))]);
  }

  async #startTarget(place: Place): Promise<BridgePod> {
    const { policies } = this.#request;
    const started = await this.#start({
      role: "target",
      place: "outside",
      standsFor: place,
      args: targetArgs(listenedPorts(place, policies), targetSeconds),
      deadlineSeconds: targetSeconds,
    });
    this.#targets.set(place, started);
    return this.#until(started, "starts", startLimit, (pod) =>
      pod.state === "running" && pod.addresses.length > 0 ? pod : undefined,
    );
  }

  /** Gives a target the labels of its zone. */
  async moveTarget(place: Place): Promise<void> {
    const target = this.#targets.get(place);
    if (target === undefined) return;
    const { facts, run } = this.#request;
    const labels = checkLabels(facts, run, place);
    const patch = { metadata: { uid: target.uid, labels } };
    await this.#deps.client.merge(pods, nameOf(target), patch, { signal: this.#signal });
  }

  /** Has a pod try directions until it ends, and gives what they came to. */
  async attempt(
    role: "reference" | "prober",
    place: Place,
    { directions, addresses, seconds }: Attempts,
  ): Promise<Observation[]> {
    const tried = directions.flatMap((direction) =>
      endpointsOf(direction, addresses).map((endpoint) => ({ direction, endpoint })),
    );
    if (tried.length === 0) return [];
    const endpoints = tried.map(({ endpoint }) => endpoint);
    const started = await this.#start({
      role,
      place,
      standsFor: place,
      args: attemptArgs(endpoints, { seconds, untilOpen: role === "reference" }),
      deadlineSeconds: seconds + 60,
    });
    const limit = startLimit + (seconds + 60) * 1_000;
    const message = await this.#until(started, "ends", limit, ({ state, message = "" }) =>
      state === "ended" ? message : undefined,
    );
    return observe(tried, parseReport(message, tried.length));
  }

  /** Whether the target of a direction is no longer the one that was reached at first. */
  isLost({ to }: Direction): boolean {
    if (!("place" in to)) return false;
    const target = this.#targets.get(to.place);
    const pod = target && this.#deps.waits.get(target.key);
    return pod === undefined || pod.uid !== target?.uid || pod.state !== "running";
  }

  async #start(pod: Omit<CheckPod, "run" | "site">): Promise<Started> {
    const { client } = this.#deps;
    const { facts, run } = this.#request;
    const object = buildCheckPod(facts, { ...pod, run, site: this.#site });
    const { namespace, name } = object.metadata;
    const created = await client.create(pods, namespace, object, { signal: this.#signal });
    const started = { key: `${namespace}/${name}`, uid: created.metadata.uid };
    // What cannot be deleted now is when its run is over: see checks.ts.
    this.#stack.defer(() => deletePod(client, started).catch(() => undefined));
    return started;
  }

  async #until<T>(
    { key, uid }: Started,
    what: string,
    limit: number,
    find: (pod: BridgePod) => T | undefined,
  ): Promise<T> {
    const { waits } = this.#deps;
    let seen: BridgePod | undefined;
    const found = await waits.until<{ value: T } | "gone">(
      () => {
        const pod = waits.get(key);
        if (pod?.uid !== uid) return seen === undefined ? undefined : "gone";
        seen = pod;
        if (pod.isBeingDeleted) return "gone";
        const value = find(pod);
        if (value !== undefined) return { value };
        return pod.state === "ended" ? "gone" : undefined;
      },
      limit,
      this.#signal,
    );
    if (found !== undefined && found !== "gone") return found.value;
    const [, name = ""] = key.split("/");
    const why = seen?.waitsFor === undefined ? "" : `: ${seen.waitsFor}`;
    if (found === "gone") throw new CheckError(`Pod ${name} ended before its time${why}`);
    throw new CheckError(`Pod ${name} never ${what}${why}`);
  }
}

function nameOf({ key }: Started): { namespace: string; name: string } {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}

const deleteLimit = 10_000;

/** This very pod; it may be gone already. @throws ApiError */
export async function deletePod(client: ApiClient, started: Started): Promise<void> {
  const options = { uid: started.uid, timeout: deleteLimit };
  await client.delete(pods, nameOf(started), options);
}
