import { readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { type Clock, nanosecondsToMilliseconds, systemClock } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import type { Running } from "../common/shutdown.ts";
import { startSources } from "../common/sources/config.ts";
import { exposeSources } from "../common/sources/metrics.ts";
import { createApi } from "./api/app.ts";
import { createAuthenticate } from "./api/authenticate.ts";
import { loadApiKeys } from "./api/keys.ts";
import { startApiServer } from "./api/server.ts";
import { EntropyBuffer } from "./buffer.ts";
import type { GatewayConfig } from "./config.ts";
import { startPushIntake } from "./intake.ts";
import { RequestMeter } from "./meter.ts";
import { exposeIntake, exposeServing } from "./metrics.ts";
import { describeStatus, type Status } from "./status.ts";

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
  const meter = new RequestMeter(clock.monotonic);
  const draining = new AbortController();
  const isDraining = (): boolean => draining.signal.aborted;
  const status = (): Status => statusOf(config, { buffer, meter, startedAt, isDraining, clock });

  const keys = await loadApiKeys(config, { clock, log });
  const api = createApi({
    authenticate: createAuthenticate({
      keys,
      allowQueryKey: config.allow_query_key,
      failuresPerMinute: config.rate_limit.failed_keys_per_minute,
    }),
    allowQueryKey: config.allow_query_key,
    buffer,
    maxRequestBytes: config.max_request_bytes,
    describeStatus: status,
    onServed: () => meter.add(),
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
  exposeServing(registry, buffer, api);
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

interface StatusParts {
  readonly buffer: EntropyBuffer;
  readonly meter: RequestMeter;
  readonly startedAt: number;
  readonly isDraining: () => boolean;
  readonly clock: Clock;
}

function statusOf(config: GatewayConfig, parts: StatusParts): Status {
  const { buffer, meter, startedAt, isDraining, clock } = parts;
  const now = clock.monotonic();
  const receivedAt = buffer.receivedAt();
  return describeStatus({
    available: buffer.available(),
    capacity: buffer.capacity,
    sinceReceived: receivedAt === undefined ? undefined : now - receivedAt,
    wall: nanosecondsToMilliseconds(clock.wall()),
    uptime: now - startedAt,
    isDraining: isDraining(),
    simulated: config.simulated,
    mode: config.deployment_mode,
    version,
    requests: meter.total(),
    bytes: buffer.flow.get("served"),
    requestsPerSecond: meter.perSecond(),
  });
}

const { version } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { version: string };
