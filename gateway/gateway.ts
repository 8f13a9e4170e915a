import { Registry } from "prom-client";
import { type Clock, systemClock } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import type { Running } from "../common/shutdown.ts";
import { exposeProcess } from "../common/processMetrics.ts";
import { openSupply } from "../common/supply/config.ts";
import type { Sink } from "../common/supply/sink.ts";
import type { Trouble } from "../common/supply/supply.ts";
import { assembleApi } from "./api/assemble.ts";
import { loadApiKeys } from "./api/keys.ts";
import { startApiServer } from "./api/server.ts";
import type { GatewayConfig } from "./config.ts";
import type { Inlet } from "./inlet.ts";
import type { SharedStore } from "./limit/sharedStore.ts";
import type { LastPush } from "./push/receiver.ts";
import { createStore } from "./store.ts";
import { startPushIntake } from "./intake.ts";
import { Meter } from "./meter.ts";
import { exposeIntake, exposeLimits, exposeServing, exposeStaleness } from "./metrics.ts";
import { describeState } from "./state.ts";
import { gatherStatus } from "./statusFacts.ts";
import type { Status } from "./status.ts";

const housekeepingMilliseconds = 250;
const readyAnywayMilliseconds = 60_000;

export interface GatewayDeps {
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Starts the gateway: push listener or sources → buffer → API, and its management listener. */
export async function startGateway(
  config: GatewayConfig,
  { log, clock = systemClock }: GatewayDeps,
): Promise<Running> {
  const startedAt = clock.monotonic();
  const registry = new Registry();
  const store = createStore(config, clock);
  const { inlet, buffer, queue } = store;
  const served = new Meter(clock.monotonic);
  const draining = new AbortController();
  const isDraining = (): boolean => draining.signal.aborted;
  let intake: Intake | undefined;
  const status = (): Status => {
    const lastPushes = intake?.lastPushes() ?? [];
    const troubles = intake?.troubles() ?? [];
    const ways = { ...store, lastPushes, clockSkew: intake?.clockSkew(), troubles };
    return gatherStatus(config, { ...ways, served, startedAt, isDraining, clock });
  };

  const sharedStore = await openSharedStore(config, log);
  const keys = await loadApiKeys(config, { store: sharedStore, clock, log });
  const api = assembleApi(config, {
    queue,
    keys,
    sharedStore,
    describeStatus: status,
    onServed: () => served.add(1),
    clock,
    log,
  });
  const apiServer = await startApiServer(config, api.handler, log);
  const notReady = (): string | undefined => {
    if (isDraining()) return "draining";
    const waited = clock.monotonic() - startedAt >= readyAnywayMilliseconds;
    return inlet.acceptedBytes() > 0 || waited ? undefined : "no bytes have come in yet";
  };
  const management = await startManagement({
    address: config.management_address,
    registry,
    moreMetrics: () => api.traffic.exposition(),
    notReady,
    state: () => describeState(status()),
    log,
  });
  intake = await startIntake(config, registry, { inlet, isDraining, clock, log });
  exposeServing(registry, store);
  exposeStaleness(registry, store, { clock, startedAt });
  exposeLimits(registry, { keys, sharedStore });
  const processMetrics = exposeProcess(registry);
  const housekeeping = setInterval(() => store.expire(), housekeepingMilliseconds).unref();

  return {
    stop: async () => {
      draining.abort();
      apiServer.drain();
      const grace = AbortSignal.timeout(config.shutdown_grace);
      await buffer.untilEmpty(grace);
      await intake?.stop();
      await apiServer.stop(grace);
      clearInterval(housekeeping);
      store.close();
      keys.stop();
      sharedStore?.stop();
      processMetrics.stop();
      await management.stop();
    },
  };
}

/** Where replicas count limits together; its client is loaded only then. */
async function openSharedStore(
  { redis }: GatewayConfig,
  log: Logger,
): Promise<SharedStore | undefined> {
  if (redis === undefined) return undefined;
  const { startSharedStore } = await import("./limit/redisClient.ts");
  return startSharedStore(redis, log);
}

/** The way in that a gateway runs. */
interface Intake extends Running {
  /** By the keys that packets are verified with; none in Direct mode. */
  lastPushes(): LastPush[];
  /** See Receiver; none in Direct mode. */
  clockSkew(): number | undefined;
  /** Its sources that give nothing, in Direct mode. */
  troubles(): readonly Trouble[];
}

interface IntakeParts {
  readonly inlet: Inlet;
  readonly isDraining: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where bytes come in: from a collector, or in Direct mode from the sources themselves. */
async function startIntake(
  config: GatewayConfig,
  registry: Registry,
  parts: IntakeParts,
): Promise<Intake> {
  if (config.direct_mode_config === undefined) {
    const intake = await startPushIntake(config, parts);
    exposeIntake(registry, intake);
    return {
      lastPushes: () => intake.receiver.lastPushes(),
      clockSkew: () => intake.receiver.clockSkew(),
      troubles: () => [],
      stop: () => intake.stop(),
    };
  }
  const { inlet, clock } = parts;
  const sink: Sink = {
    untilRoom: (bytes, signal) => inlet.untilRoom(bytes, signal),
    add: (data, fetchedAt, sources) =>
      void inlet.add(data, { age: clock.monotonic() - fetchedAt, sources }),
    revoke: (sources) => inlet.revoke(sources),
  };
  const supply = await openSupply(config.direct_mode_config, {
    ...parts,
    sink,
    capacity: config.buffer_size,
    maxAge: config.max_age,
    registry,
  });
  return {
    lastPushes: () => [],
    clockSkew: () => undefined,
    troubles: supply.troubles,
    stop: () => supply.stop(AbortSignal.abort()),
  };
}
