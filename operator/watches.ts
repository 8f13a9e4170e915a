import type { Logger } from "../common/log/logger.ts";
import { pause, type Scheduler } from "../common/scheduler.ts";
import type { Running } from "../common/shutdown.ts";
import type { ApiClient } from "./api/client.ts";
import { hasCode, type ApiError } from "./api/errors.ts";
import type { ApiObject } from "./api/object.ts";
import type { Resource } from "./api/resources.ts";
import { bridgeLabel } from "./build/metadata.ts";
import { joinInformers, type Informer } from "./engine/informer.ts";
import { ListWatch, withoutManagedFields } from "./engine/listWatch.ts";
import { gatewayPod, type GatewayPod } from "./gateways/pods.ts";
import { bridgePod, type BridgePod } from "./oneWay/bridgePod.ts";
import { deploymentState, type DeploymentState } from "./reconcile/deploymentState.ts";
import { bridges, deployments, ownedKinds, pods } from "./reconcile/kinds.ts";
import { knownObject, type KnownObject } from "./reconcile/owned.ts";

export interface WatchOptions {
  readonly client: ApiClient;
  /** Undefined for all of the cluster. */
  readonly namespaces: readonly string[] | undefined;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly log: Logger;
}

/** What the operator follows from its start on: as little as says all that it has to know. */
export interface Watches extends Running {
  readonly bridges: Informer<ApiObject>;
  readonly pods: Informer<GatewayPod>;
  /** All pods of bridges, for the one-way check: its own, and where the others are. */
  readonly bridgePods: Informer<BridgePod>;
  readonly deployments: Informer<DeploymentState>;
  /** By kind, without Deployments: their metadata alone. */
  readonly owned: readonly (readonly [Resource, Informer<KnownObject>])[];
  readonly all: readonly Informer<unknown>[];
}

export function startWatches(options: WatchOptions): Watches {
  const watched = {
    bridges: watch(options, bridges, undefined, withoutManagedFields),
    pods: watch(options, pods, "qrngbridge.io/serving=true", gatewayPod),
    bridgePods: watch(options, pods, bridgeLabel, bridgePod),
    deployments: watch(options, deployments, bridgeLabel, deploymentState),
    owned: ownedKinds
      .filter((resource) => resource !== deployments)
      .map((resource) => [resource, watchOwned(options, resource)] as const),
  };
  const { owned, ...others } = watched;
  const all = [...Object.values(others), ...owned.map(([, informer]) => informer)];
  return {
    ...watched,
    all,
    stop: async () => void (await Promise.all(all.map((informer) => informer.stop()))),
  };
}

/** Objects that carry the label of a bridge: what bridges own, and what users let them use. */
export function watchOwned(options: WatchOptions, resource: Resource): Informer<KnownObject> {
  return watch(options, resource, bridgeLabel, knownObject, true);
}

function watch<T>(
  { namespaces, ...options }: WatchOptions,
  resource: Resource,
  labelSelector: string | undefined,
  project: (object: ApiObject) => T | undefined,
  metadataOnly = false,
): Informer<T> {
  const scopes: readonly (string | undefined)[] = namespaces ?? [undefined];
  const parts = scopes.map((namespace) => {
    const selection = { namespace, labelSelector, metadataOnly };
    return new ListWatch<T>({ ...options, resource, selection, project });
  });
  return joinInformers(parts);
}

const retry = 200;

/**
 * Resolves when all parts of a collection are known, or their watch turns out to be forbidden:
 * bridges can then be told so, and one namespace does not keep the operator from the others.
 */
export async function knownOrForbidden(
  { parts }: Informer<unknown>,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    parts.map(async (part) => {
      const settled = new AbortController();
      void part.synced.then(() => settled.abort());
      const either = AbortSignal.any([signal, settled.signal]);
      while (!either.aborted && !isForbidden(part.problem())) {
        await pause(scheduler, retry, either);
      }
    }),
  );
}

/** Calls `tell` when the operator may no longer watch, and when it may again. */
export function followGrants({ parts }: Informer<unknown>, tell: () => void): void {
  for (const part of parts) {
    let before = isForbidden(part.problem());
    part.onProblem((problem) => {
      const now = isForbidden(problem);
      if (now !== before) tell();
      before = now;
    });
  }
}

/** What keeps the operator from knowing what there is in a namespace. */
export function firstForbidden(
  informers: readonly Informer<unknown>[],
  namespace: string,
): ApiError | undefined {
  return informers
    .flatMap(({ parts }) => parts.map((part) => part.problem()))
    .filter(isForbidden)
    .find(({ call }) => call?.namespace === undefined || call.namespace === namespace);
}

function isForbidden(problem: Error | undefined): problem is ApiError {
  return hasCode(problem, "ERR_API_FORBIDDEN");
}
