import { Registry } from "prom-client";
import { type Clock, systemClock } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import type { Running } from "../common/shutdown.ts";
import { exposeProcess } from "../common/processMetrics.ts";
import { startSources } from "../common/sources/config.ts";
import { exposeSources } from "../common/sources/metrics.ts";
import { createApi } from "./api/app.ts";
import { describeApi } from "./api/openapi.ts";
import { createRoutes } from "./api/routes.ts";
import { createAuthenticate } from "./api/authenticate.ts";
import { loadApiKeys } from "./api/keys.ts";
import { startApiServer } from "./api/server.ts";
import type { GatewayConfig } from "./config.ts";
import { Dispenser } from "./draw/dispenser.ts";
import type { Inlet } from "./inlet.ts";
import { startSharedStore } from "./limit/redisClient.ts";
import { createStore } from "./store.ts";
import { startPushIntake } from "./intake.ts";
import { createMcpEndpoint } from "./mcp/endpoint.ts";
import { Meter } from "./meter.ts";
import { exposeIntake, exposeLimits, exposeServing } from "./metrics.ts";
import { gatherStatus } from "./statusFacts.ts";
import type { Status } from "./status.ts";
import { version } from "../common/version.ts";

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
  const status = (): Status =>
    gatherStatus(config, { ...store, served, startedAt, isDraining, clock });

  const sharedStore = config.redis && (await startSharedStore(config.redis, log));
  const keys = await loadApiKeys(config, { store: sharedStore, clock, log });
  const dispenser = new Dispenser({
    queue,
    maxRequestBytes: config.max_request_bytes,
    now: clock.monotonic,
  });
  const routes = createRoutes({
    dispenser,
    maxWait: config.max_wait,
    conditioning: config.conditioning,
    describeStatus: status,
  });
  const authenticate = createAuthenticate({
    keys,
    allowQueryKey: config.allow_query_key,
    failuresPerMinute: config.rate_limit.failed_keys_per_minute,
    store: sharedStore,
    clock,
  });
  const serving = {
    authenticate,
    describeStatus: status,
    onServed: () => served.add(1),
    now: clock.monotonic,
    log,
  };
  const api = createApi({
    ...serving,
    routes,
    endpoints: config.mcp.enabled ? [createMcpEndpoint(config, { ...serving, dispenser })] : [],
    openApi: describeApi(routes, version),
    dashboard: config.dashboard,
    allowQueryKey: config.allow_query_key,
    corsOrigins: config.cors_origins,
    conditioning: config.conditioning,
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
    log,
  });
  const intake = await startIntake(config, registry, {
    inlet,
    isDraining,
    clock,
    log,
  });
  exposeServing(registry, store);
  exposeLimits(registry, sharedStore);
  const processMetrics = exposeProcess(registry);
  const housekeeping = setInterval(() => store.expire(), housekeepingMilliseconds).unref();

  return {
    stop: async () => {
      draining.abort();
      const grace = AbortSignal.timeout(config.shutdown_grace);
      await buffer.untilEmpty(grace);
      await intake.stop();
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
): Promise<Running> {
  if (config.direct_mode_config === undefined) {
    const intake = await startPushIntake(config, parts);
    exposeIntake(registry, intake);
    return intake;
  }
  const { inlet, clock } = parts;
  const sink = {
    untilRoom: (bytes: number, signal: AbortSignal) => inlet.untilRoom(bytes, signal),
    add: (chunk: Buffer, fetchedAt: number) => inlet.add(chunk, clock.monotonic() - fetchedAt),
  };
  const loops = await startSources(config.direct_mode_config, sink, parts);
  exposeSources(registry, loops);
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
