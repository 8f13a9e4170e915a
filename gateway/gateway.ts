import { Registry } from "prom-client";
import { type Clock, systemClock } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import type { Running } from "../common/shutdown.ts";
import { startSources } from "../common/sources/config.ts";
import { exposeSources } from "../common/sources/metrics.ts";
import { createApi } from "./api/app.ts";
import { describeApi } from "./api/openapi.ts";
import { createRoutes } from "./api/routes.ts";
import { createAuthenticate } from "./api/authenticate.ts";
import { loadApiKeys } from "./api/keys.ts";
import { startApiServer } from "./api/server.ts";
import { EntropyBuffer } from "./buffer.ts";
import type { GatewayConfig } from "./config.ts";
import { Dispenser } from "./draw/dispenser.ts";
import { WaitQueue } from "./draw/waitQueue.ts";
import { startPushIntake } from "./intake.ts";
import { Meter } from "./meter.ts";
import { exposeIntake, exposeServing } from "./metrics.ts";
import { gatherStatus } from "./statusFacts.ts";
import type { Status } from "./status.ts";
import { version } from "./version.ts";

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
  const buffer = new EntropyBuffer({
    capacity: config.buffer_size,
    maxAge: config.max_age,
    overflow: config.overflow,
    clock,
  });
  const served = new Meter(clock.monotonic);
  const queue = new WaitQueue(buffer, config.max_waiting);
  const draining = new AbortController();
  const isDraining = (): boolean => draining.signal.aborted;
  const status = (): Status =>
    gatherStatus(config, { buffer, queue, served, startedAt, isDraining, clock });

  const keys = await loadApiKeys(config, { clock, log });
  const dispenser = new Dispenser({
    queue,
    maxRequestBytes: config.max_request_bytes,
    now: clock.monotonic,
  });
  const routes = createRoutes({ dispenser, maxWait: config.max_wait, describeStatus: status });
  const api = createApi({
    routes,
    openApi: describeApi(routes, version),
    authenticate: createAuthenticate({
      keys,
      allowQueryKey: config.allow_query_key,
      failuresPerMinute: config.rate_limit.failed_keys_per_minute,
    }),
    allowQueryKey: config.allow_query_key,
    describeStatus: status,
    onServed: () => served.add(1),
    now: clock.monotonic,
    log,
  });
  const apiServer = await startApiServer(config, api.handler, log);
  const notReady = (): string | undefined => {
    if (isDraining()) return "draining";
    const waited = clock.monotonic() - startedAt >= readyAnywayMilliseconds;
    return buffer.flow.get("received") > 0 || waited ? undefined : "no bytes have come in yet";
  };
  const management = await startManagement({
    address: config.management_address,
    registry,
    notReady,
    log,
  });
  const intake = await startIntake(config, registry, { buffer, isDraining, clock, log });
  exposeServing(registry, { buffer, queue, api });
  const housekeeping = setInterval(() => buffer.expire(), housekeepingMilliseconds).unref();

  return {
    stop: async () => {
      draining.abort();
      const grace = AbortSignal.timeout(config.shutdown_grace);
      await buffer.untilEmpty(grace);
      await intake.stop();
      await apiServer.stop(grace);
      clearInterval(housekeeping);
      buffer.close();
      keys.stop();
      await management.stop();
    },
  };
}

interface IntakeParts {
  readonly buffer: EntropyBuffer;
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
  const { buffer, clock } = parts;
  const sink = {
    untilRoom: (bytes: number, signal: AbortSignal) => buffer.untilRoom(bytes, signal),
    add: (chunk: Buffer, fetchedAt: number) => buffer.add(chunk, clock.monotonic() - fetchedAt),
  };
  const loops = await startSources(config.direct_mode_config, sink, parts);
  exposeSources(registry, loops);
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
