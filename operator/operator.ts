import { randomBytes } from "node:crypto";
import { Registry } from "prom-client";
import { type Address } from "../common/config/fields.ts";
import { nanosecondsToMilliseconds } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { type Management, startManagement } from "../common/management.ts";
import { exposeTally, Tally } from "../common/metrics.ts";
import { exposeProcess } from "../common/processMetrics.ts";
import type { Scheduler } from "../common/scheduler.ts";
import type { Running } from "../common/shutdown.ts";
import { ApiClient } from "./api/client.ts";
import type { Credentials } from "./api/credentials.ts";
import { exposeRequests, RequestCounts } from "./api/requestCounts.ts";
import type { ObjectName } from "./api/resources.ts";
import { Transport } from "./api/transport.ts";
import type { OperatorSettings } from "./build/settings.ts";
import { EventRecorder } from "./engine/eventRecorder.ts";
import { exposeInformers } from "./engine/informerMetrics.ts";
import { exposeLeadership, LeaderElection } from "./engine/leaderElection.ts";
import { createQueueMetrics } from "./engine/queueMetrics.ts";
import type { ManagementAddress } from "./gateways/reports.ts";
import { exposeConditions } from "./reconcile/conditionMetrics.ts";
import { fieldManager } from "./reconcile/owned.ts";
import { exposeUpkeep } from "./reconcile/upkeepMetrics.ts";
import type { Moment } from "./moment.ts";
import { exposeChecks } from "./oneWay/metrics.ts";
import { checkOutcomes } from "./oneWay/result.ts";
import { startReconciling } from "./reconciling.ts";
import { startWatches } from "./watches.ts";

export interface OperatorOptions {
  readonly settings: OperatorSettings;
  /** Undefined for all of the cluster. */
  readonly namespaces: readonly string[] | undefined;
  readonly workers: number;
  /** Undefined where no other operator may run. */
  readonly lease: ObjectName | undefined;
  /** Of this process: a pod's name and a random part. */
  readonly identity: string;
  readonly managementAddress: Address;
  /** Milliseconds between two rounds of questions to gateways. */
  readonly gatewayInterval: number;
  /** Milliseconds between two questions which kinds the cluster has. */
  readonly discoveryInterval: number;
}

export interface OperatorDeps {
  readonly credentials: Credentials;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Time for waits: see moment.ts. */
  readonly moment: () => Moment;
  /** Where gateways' management ports are; at the pods' addresses but in tests. */
  readonly gatewayAddress: ManagementAddress;
  /** Called when another operator leads: the process must end at once. */
  readonly onLost: () => void;
}

export interface Operator extends Running {
  readonly address: Management["address"];
  readonly requests: RequestCounts;
}

/** Starts the operator: it follows the cluster at once, and changes it once it leads. */
export async function startOperator(
  options: OperatorOptions,
  deps: OperatorDeps,
): Promise<Operator> {
  const { credentials, scheduler, log } = deps;
  const random = Math.random;
  const registry = new Registry();
  const requests = new RequestCounts();
  const shared = { credentials, scheduler, random, counts: requests };
  const own = new Transport(shared);
  const election =
    options.lease &&
    new LeaderElection({
      client: new ApiClient(own, fieldManager),
      lease: options.lease,
      identity: options.identity,
      onLost: deps.onLost,
      scheduler,
      random,
      log,
    });
  const leads = (): boolean => election?.leads() ?? true;
  const transport = new Transport({ ...shared, ...(election && { fence: election.fence }) });
  const client = new ApiClient(transport, fieldManager);
  const recorder = new EventRecorder({
    client,
    reporter: { controller: "qrngbridge.io/operator", instance: options.identity },
    scheduler,
    log,
  });
  const watches = startWatches({ client, namespaces: options.namespaces, scheduler, random, log });
  const queueMetrics = createQueueMetrics(registry)("qrngbridge");
  const processMetrics = exposeProcess(registry);
  exposeRequests(registry, requests, transport.host);
  exposeInformers(registry, watches.all);
  exposeLeadership(registry, options.lease?.name ?? "none", leads);
  exposeConditions(registry, watches.bridges);
  exposeUpkeep(registry, watches.bridges);
  const outcomes = new Tally(checkOutcomes);
  const wall = (): number => nanosecondsToMilliseconds(scheduler.wall());
  exposeChecks(registry, { bridges: watches.bridges, outcomes, now: wall });
  exposeTally(
    registry,
    "qrng_operator_events_total",
    "Events for users: created, counted onto one that is there, dropped.",
    "outcome",
    recorder.outcomes,
  );
  const management = await startManagement({
    address: options.managementAddress,
    registry,
    // A replica that waits for the lease is ready too: else an update of the Deployment would hang.
    notReady: () =>
      watches.all.some((informer) => informer.problem() !== undefined)
        ? "does not follow the cluster; see the log"
        : undefined,
    log,
  });
  const starting = new AbortController();
  let reconciling: Promise<Running> | undefined;
  const begin = async (): Promise<void> => {
    await election?.elected;
    if (starting.signal.aborted) return;
    reconciling = startReconciling({
      options,
      client,
      watches,
      queueMetrics,
      checkOutcomes: outcomes,
      announce: (happening) => recorder.record(happening),
      gatewayAddress: deps.gatewayAddress,
      now: () => ({ wall: wall(), moment: deps.moment() }),
      random: randomBytes,
      scheduler,
      log,
      signal: starting.signal,
    });
    await reconciling;
  };
  void begin();

  const stop = async (): Promise<void> => {
    starting.abort();
    await (await reconciling)?.stop();
    await recorder.stop();
    await watches.stop();
    await election?.stop(); // after the last write
    await management.stop();
    processMetrics.stop();
    transport.close();
    own.close();
  };
  let stopped: Promise<void> | undefined;
  return { address: management.address, requests, stop: () => (stopped ??= stop()) };
}
