import { Registry } from "prom-client";
import { type Clock, systemClock } from "../common/clock.ts";
import { ConfigError } from "../common/errors.ts";
import { loadKeyRing } from "../common/keys/load.ts";
import type { KeyRing } from "../common/keys/keyRing.ts";
import type { Logger } from "../common/log/logger.ts";
import { startManagement } from "../common/management.ts";
import { fixed, reloaded, type Reloaded } from "../common/reload.ts";
import { readPair, readPublicFile } from "../common/secretFiles.ts";
import type { Running } from "../common/shutdown.ts";
import { exposeProcess } from "../common/processMetrics.ts";
import { startSources } from "../common/sources/config.ts";
import { exposeSources } from "../common/sources/metrics.ts";
import { Accumulator } from "./accumulator.ts";
import type { CollectorConfig } from "./config.ts";
import { exposeMetrics } from "./metrics.ts";
import { Connection, type PushTls } from "./push/connection.ts";
import { startPusher } from "./push/pusher.ts";
import { systemResolve } from "./push/resolve.ts";

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
  const ring = await loadKeyRing(config, {
    uses: [keyUse(config)],
    check: (loaded) => checkRing(loaded, config),
    log,
  });
  const tls = await loadTls(config.push.tls, log);
  const accumulator = new Accumulator({
    capacity: config.buffer_size,
    packetBytes: config.push.packet_size,
    packetAge: config.push.packet_age,
    maxAge: config.max_age,
    clock,
  });
  const registry = new Registry();
  let notReady = (): string | undefined => "starting";
  const management = await startManagement({
    address: config.management_address,
    registry,
    notReady: () => notReady(),
    log,
  });
  const sources = await startSources(config, accumulator, { clock, log });
  const url = new URL(config.push_url);
  const { timeout } = config.push;
  const pusher = startPusher({
    url,
    push: config.push,
    accumulator,
    ring,
    connect: (address) => new Connection({ url, address, tls, timeout, clock }),
    resolve: systemResolve,
    clock,
    random: Math.random,
    log,
  });
  exposeSources(registry, sources);
  exposeMetrics(registry, { accumulator, pusher, clock });
  const processMetrics = exposeProcess(registry);
  notReady = () =>
    sources.some((source) => source.latest() === "ok") ? undefined : "no source gives bytes";
  const expiry = setInterval(() => accumulator.dropExpired(), expiryCheckMilliseconds).unref();

  return {
    stop: async () => {
      await Promise.all(sources.map((source) => source.stop()));
      accumulator.flush();
      await accumulator.untilEmpty(AbortSignal.timeout(config.shutdown_grace));
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

function keyUse(config: CollectorConfig): "bound" | "unbound" {
  return config.push.peer === "v1" ? "unbound" : "bound";
}

function checkRing({ signing }: KeyRing, config: CollectorConfig): void {
  if (signing.use === keyUse(config)) return;
  throw new ConfigError(
    `key ring: signing: push.peer ${config.push.peer} needs a key with use: ${keyUse(config)}`,
  );
}

async function loadTls(
  files: CollectorConfig["push"]["tls"],
  log: Logger,
): Promise<Reloaded<PushTls>> {
  const { ca_file, certificate_file, key_file } = files;
  const named = [ca_file, certificate_file, key_file].filter((file) => file !== undefined);
  const load = async (): Promise<PushTls> => {
    const pair =
      certificate_file === undefined || key_file === undefined
        ? undefined
        : await readPair(certificate_file, key_file);
    return {
      ca: ca_file === undefined ? undefined : await readPublicFile(ca_file),
      certificate: pair?.certificate,
      key: pair?.key,
    };
  };
  return named.length === 0
    ? fixed({ ca: undefined, certificate: undefined, key: undefined })
    : reloaded({ what: "push certificates", files: named, load, log });
}
