import { Registry } from "prom-client";
import { type Clock, systemClock } from "../common/clock.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import type { Running } from "../common/shutdown.ts";
import { exposeProcess } from "../common/processMetrics.ts";
import { openSupply } from "../common/supply/config.ts";
import { describeTrouble, type Supply } from "../common/supply/supply.ts";
import { Accumulator } from "./accumulator.ts";
import { type CollectorConfig, pushUrls } from "./config.ts";
import { exposeMetrics } from "./metrics.ts";
import { Connection } from "./push/connection.ts";
import { startPusher } from "./push/pusher.ts";
import { systemResolve } from "./push/resolve.ts";
import { loadPushTls } from "./push/tls.ts";
import { loadSigningRing } from "./signingRing.ts";

const expiryCheckMilliseconds = 1_000;

export interface CollectorDeps {
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Starts the collector: sources → accumulator → pusher, and its management listener. */
export async function startCollector(
  config: CollectorConfig,
  { log, clock = systemClock }: CollectorDeps,
): Promise<Running> {
  const ring = await loadSigningRing(config, log);
  const tls = await loadPushTls(config.push.tls, log);
  const accumulator = new Accumulator({
    capacity: config.buffer_size,
    packetBytes: config.push.packet_size,
    packetAge: config.push.packet_age,
    maxAge: config.max_age,
    clock,
  });
  const registry = new Registry();
  let notReady = (): string | undefined => "starting";
  let remark = (): string | undefined => undefined;
  const management = await startManagement({
    address: config.management_address,
    registry,
    notReady: () => notReady(),
    remark: () => remark(),
    log,
  });
  const supply = await openSupply(config, {
    sink: accumulator,
    capacity: config.buffer_size,
    maxAge: config.max_age,
    registry,
    clock,
    log,
  });
  const { timeout } = config.push;
  const pusher = startPusher({
    urls: pushUrls(config),
    push: config.push,
    accumulator,
    ring,
    connect: (url, address) => new Connection({ url, address, tls, timeout, clock }),
    resolve: systemResolve,
    clock,
    random: Math.random,
    log,
  });
  exposeMetrics(registry, { accumulator, pusher, clock });
  const processMetrics = exposeProcess(registry);
  notReady = () => describeMissing(supply);
  remark = () => describeTroubles(supply);
  const expiry = setInterval(() => accumulator.dropExpired(), expiryCheckMilliseconds).unref();

  return {
    stop: async () => {
      const grace = AbortSignal.timeout(config.shutdown_grace);
      await supply.stop(grace);
      accumulator.flush();
      await accumulator.untilEmpty(grace);
      await pusher.stop();
      accumulator.close();
      clearInterval(expiry);
      ring.stop();
      tls.stop();
      processMetrics.stop();
      await management.stop();
    },
  };
}

/** What keeps bytes from flowing, by the name of each source; undefined while they flow. */
function describeMissing({ loops, missing }: Supply): string | undefined {
  const wanted = missing().map(describeTrouble).join(", ");
  if (wanted !== "") return `nothing goes on without ${wanted}`;
  return loops.some((loop) => loop.latest() === "ok") ? undefined : "no source gives bytes yet";
}

/** The sources without which bytes flow all the same. */
function describeTroubles({ troubles }: Supply): string | undefined {
  const names = troubles().map(describeTrouble).join(", ");
  return names === "" ? undefined : `without ${names}`;
}
