import type { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "../common/log/logger.ts";
import type { Tally } from "../common/metrics.ts";
import type { Scheduler } from "../common/scheduler.ts";
import type { Running } from "../common/shutdown.ts";
import type { ApiClient } from "./api/client.ts";
import type { ApiObject } from "./api/object.ts";
import { type Controller, source, startController } from "./engine/controller.ts";
import type { Change } from "./engine/objectStore.ts";
import type { QueueMetrics } from "./engine/queueMetrics.ts";
import { GatewayPoll } from "./gateways/poll.ts";
import { GatewayReports, type ManagementAddress } from "./gateways/reports.ts";
import type { Now } from "./moment.ts";
import { Offered } from "./offered.ts";
import type { BridgePod } from "./oneWay/bridgePod.ts";
import { OneWayChecks } from "./oneWay/checks.ts";
import type { CheckOutcome } from "./oneWay/result.ts";
import type { OperatorOptions } from "./operator.ts";
import type { Announce } from "./reconcile/announce.ts";
import { BridgeStore } from "./reconcile/bridgeStore.ts";
import { deployments } from "./reconcile/kinds.ts";
import { OwnedStore } from "./reconcile/ownedStore.ts";
import { reconcile } from "./reconcile/reconcile.ts";
import {
  firstForbidden,
  followGrants,
  knownOrForbidden,
  watchOwned,
  type Watches,
} from "./watches.ts";

export interface ReconcilingOptions {
  readonly options: OperatorOptions;
  readonly client: ApiClient;
  readonly watches: Watches;
  readonly queueMetrics: QueueMetrics;
  readonly checkOutcomes: Tally<CheckOutcome>;
  readonly announce: Announce;
  readonly gatewayAddress: ManagementAddress;
  readonly now: () => Now;
  readonly random: typeof randomBytes;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What the leader does: ties what changes in the cluster to the bridges that it concerns. */
export async function startReconciling(context: ReconcilingOptions): Promise<Running> {
  const { options, client, watches, queueMetrics, scheduler, random, log, signal } = context;
  const bridges = new BridgeStore(watches.bridges);
  const owned = new OwnedStore();
  const reports = new GatewayReports(watches.pods, context.gatewayAddress);
  let controller: Controller | undefined;
  const add = (bridge: string): void => controller?.add(bridge);
  const addAll = (): void => {
    for (const [key] of watches.bridges.entries()) add(key);
  };
  const poll = new GatewayPoll({
    reports,
    interval: options.gatewayInterval,
    changed: add,
    scheduler,
  });

  const oneWay = new OneWayChecks({
    client,
    pods: watches.bridgePods,
    ended: add,
    outcomes: context.checkOutcomes,
    scheduler,
    log,
  });

  const offered = await Offered.start({
    client,
    interval: options.discoveryInterval,
    watch: (resource) => {
      const { namespaces } = options;
      const watch = { client, namespaces, scheduler, random: Math.random, log };
      return watchOwned(watch, resource);
    },
    changed: (resource, informer) => {
      if (informer === undefined) owned.drop(resource);
      else {
        owned.follow(resource, informer, add);
        followGrants(informer, addAll);
      }
      addAll();
    },
    scheduler,
    log,
  });

  const kinds = [...watches.owned, [deployments, watches.deployments] as const];
  controller = startController({
    name: "qrngbridge",
    sources: [
      {
        ...source(watches.bridges, keysOfBridge),
        synced: knownOrForbidden(watches.bridges, scheduler, signal),
      },
      {
        ...source(watches.pods, ({ object }) => [object.bridge]),
        synced: knownOrForbidden(watches.pods, scheduler, signal),
      },
      {
        ...source(watches.bridgePods, keysOfMovedPod),
        synced: knownOrForbidden(watches.bridgePods, scheduler, signal),
      },
      ...kinds.map(([resource, informer]) => ({
        synced: knownOrForbidden(informer, scheduler, signal),
        feed: (add: (bridge: string) => void) => owned.follow(resource, informer, add),
      })),
    ],
    workers: options.workers,
    reconcile: (key, signal) =>
      reconcile(
        {
          client,
          bridges,
          owned,
          deployment: (name) => watches.deployments.get(name),
          askGateways: async (bridge, signal) => {
            const found = await reports.of(bridge, signal);
            poll.saw(bridge, found);
            return found;
          },
          oneWay,
          offered: () => offered.kinds(),
          missingWatch: (namespace) =>
            firstForbidden([...watches.all, ...offered.informers()], namespace),
          settings: options.settings,
          announce: context.announce,
          now: context.now,
          random,
          log,
        },
        key,
        signal,
      ),
    scheduler,
    metrics: queueMetrics,
    log,
  });
  for (const informer of watches.all) followGrants(informer, addAll);
  const begun = controller;
  return {
    stop: async () => {
      await begun.stop();
      await Promise.all([poll.stop(), offered.stop(), oneWay.stop()]);
    },
  };
}

/** Where a bridge's own pods are is what the one-way check has to know. */
function keysOfMovedPod(change: Change<BridgePod>): string[] {
  const { object } = change;
  const before = change.type === "changed" ? change.previous.node : undefined;
  const isMoved = change.type === "deleted" || before !== object.node;
  return object.isInZone && object.run === undefined && isMoved ? [object.bridge] : [];
}

/** A new status is what a reconcile wrote itself: it asks for none. */
function keysOfBridge(change: Change<ApiObject>): string[] {
  if (change.type !== "changed") return [change.key];
  const [before, after] = [change.previous.metadata, change.object.metadata];
  const isSame =
    before.generation === after.generation &&
    before.deletionTimestamp === after.deletionTimestamp &&
    isDeepStrictEqual(before.annotations, after.annotations);
  return isSame ? [] : [change.key];
}
