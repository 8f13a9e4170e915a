import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { announce } from "../../common/announce.ts";
import type { Logger } from "../../common/log/logger.ts";
import { close, listen, serverLimits } from "../../common/server.ts";
import type { GatewayConfig } from "../config.ts";
import { limitLifetimes } from "../connections.ts";
import { applyTls, loadServerTls } from "../tls.ts";

const connectionMilliseconds = 60_000;

export interface ApiServer {
  /**
   * From now on each answer ends its connection, so that clients go elsewhere before the listener is
   * closed: one that was idle then could be used by a request that is on its way.
   */
  drain(): void;
  /** Takes no new requests; those under way end until `signal` aborts. */
  stop(signal: AbortSignal): Promise<void>;
}

/** The listener that clients connect to. */
export async function startApiServer(
  config: GatewayConfig,
  handler: RequestListener,
  log: Logger,
): Promise<ApiServer> {
  const { server, stopReloading } = await createServer(config.tls, log);
  server.maxConnections = config.max_connections;
  // Ended now and then, each at another time, so that clients spread over replicas.
  limitLifetimes(server, {
    event: config.tls === undefined ? "connection" : "secureConnection",
    lifetime: () => connectionMilliseconds * (0.75 + Math.random() / 2),
    cutsIdle: false,
    listener: handler,
  });
  announce(log, "api", await listen(server, config.listen_address, "listen_address"));
  return {
    drain: () => {
      server.prependListener("request", (_, response) => {
        response.shouldKeepAlive = false;
      });
    },
    stop: async (signal) => {
      stopReloading();
      await close(server, signal);
    },
  };
}

async function createServer(
  tls: GatewayConfig["tls"],
  log: Logger,
): Promise<{ server: Server; stopReloading: () => void }> {
  const limits = { ...serverLimits, keepAliveTimeout: 30_000, optimizeEmptyRequests: true };
  if (tls === undefined) return { server: createHttp(limits), stopReloading: () => undefined };
  const files = await loadServerTls("API certificate", tls, (next) => applyTls(server, next), log);
  const server = createHttps({ ...limits, ...files.current() });
  return { server, stopReloading: () => files.stop() };
}
