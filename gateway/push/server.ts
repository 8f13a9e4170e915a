import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../../common/log/logger.ts";
import { serverLimits } from "../../common/server.ts";
import type { GatewayConfig } from "../config.ts";
import { limitLifetimes } from "../connections.ts";
import {
  applyTls,
  isCollectorCertificate,
  loadServerTls,
  pushTlsOptions,
  untilCertificateEnd,
} from "../tls.ts";

const lifetimeMilliseconds = 600_000;

export interface PushServer {
  readonly server: Server;
  /** Ends the look-out for changed certificates. */
  stopReloading(): void;
}

/** The listener that collectors connect to, plain or with TLS; not listening yet. */
export async function createPushServer(
  { tls, max_connections }: GatewayConfig["push"],
  listener: RequestListener,
  log: Logger,
): Promise<PushServer> {
  const limits = { ...serverLimits, keepAliveTimeout: 75_000 };
  if (tls === undefined) {
    const server = createHttp(limits);
    server.maxConnections = max_connections;
    limitLifetimes(server, {
      event: "connection",
      lifetime: () => lifetimeMilliseconds,
      cutsIdle: false,
      listener,
    });
    return { server, stopReloading: () => undefined };
  }
  const { client_auth, client_name = "" } = tls;
  const mustShow = client_auth === "require";
  const clientOptions = { requestCert: mustShow, rejectUnauthorized: mustShow };
  const files = await loadServerTls(
    "push certificates",
    { ...tls, client_ca_file: mustShow ? tls.client_ca_file : undefined },
    (changed) => {
      applyTls(server, changed, pushTlsOptions);
      retireAll();
    },
    log,
  );
  const server = createHttps({
    ...limits,
    ...pushTlsOptions,
    ...clientOptions,
    ...files.current(),
  });
  server.maxConnections = max_connections;
  const collectors = new WeakSet<Socket>();
  server.on("secureConnection", (socket: TLSSocket) => {
    if (!mustShow || isCollectorCertificate(socket, client_name)) collectors.add(socket);
    else socket.destroy();
  });
  const retireAll = limitLifetimes(server, {
    event: "secureConnection",
    lifetime: (socket) =>
      Math.min(lifetimeMilliseconds, untilCertificateEnd(socket as TLSSocket, Date.now())),
    cutsIdle: true, // nothing is taken from a certificate that has ended
    listener: (request, response) => {
      // What came together with the end of the handshake is parsed even from a destroyed socket.
      if (collectors.has(request.socket)) listener(request, response);
      else request.destroy();
    },
  });
  return { server, stopReloading: () => files.stop() };
}
