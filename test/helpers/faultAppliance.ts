import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Identity } from "./certificates.ts";

export type Reply = (response: ServerResponse, request: IncomingMessage) => void;

export interface FaultAppliance extends AsyncDisposable {
  /** By address; see `port` for other names. */
  readonly url: string;
  readonly port: number;
  /** Method and path of each request. */
  readonly requests: string[];
  /** Bytes of requests that came through TLS. */
  receivedBytes(): number;
  /** TCP connections that are open now. */
  openConnections(): number;
  /** Resets every TCP connection, below TLS. */
  reset(): void;
  /** What the next requests for bytes get. */
  answer(reply: Reply): void;
}

export interface FaultOptions {
  readonly identity: Identity;
  /** For `streambytes`. */
  readonly reply?: Reply;
  /** For `firmwareinfo`; a plain text when left out. */
  readonly info?: Reply;
}

/** An appliance over real HTTPS that answers what a test tells it to. */
export async function startFaultAppliance(options: FaultOptions): Promise<FaultAppliance> {
  const { identity, info = sends("text/plain", "firmware 2.14") } = options;
  let reply = options.reply ?? ((response) => void response.writeHead(404).end());
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let received = 0;

  const handle: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.on("error", () => undefined);
    if (request.url === "/api/2.0/firmwareinfo") info(response, request);
    else reply(response, request);
  };
  const server = createServer({ cert: identity.certificate, key: identity.key }, handle);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined).on("data", (chunk) => (received += chunk.length));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    receivedBytes: () => received,
    openConnections: () => sockets.size,
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    answer: (next) => (reply = next),
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** A complete answer. */
export function sends(type: string, body: string | Uint8Array, status = 200): Reply {
  return (response) => void response.writeHead(status, { "content-type": type }).end(body);
}

/** Bytes as a real appliance sends them. */
export function sendsBytes(body: Uint8Array): Reply {
  return sends("application/octet-stream", body);
}
