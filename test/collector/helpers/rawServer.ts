import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Identity } from "../../helpers/certificates.ts";

export interface RawServer extends AsyncDisposable {
  readonly port: number;
  /** How many connections there have been. */
  connections(): number;
  /** How many are open. */
  open(): number;
}

export interface RawOptions {
  /** Speaks TLS with it; nothing but TCP where left out. */
  readonly identity?: Identity | undefined;
  /** How many connections are plain TCP all the same. */
  readonly plain?: number;
  /** TLS 1.3 where left out. */
  readonly maxVersion?: "TLSv1.2";
  /** Called when TCP is connected, before TLS. */
  readonly onConnection?: () => void;
  /** @param index 0 for the first connection */
  readonly serve: (peer: Peer, index: number) => Promise<void>;
}

/** A server that knows no HTTP: what it sends is up to the test, byte by byte. */
export async function startRawServer(options: RawOptions): Promise<RawServer> {
  const { identity, plain = 0, maxVersion = "TLSv1.3", onConnection, serve } = options;
  const context =
    identity === undefined
      ? undefined
      : createSecureContext({ cert: identity.certificate, key: identity.key, maxVersion });
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((tcp) => {
    const index = connections++;
    onConnection?.();
    sockets.add(tcp);
    tcp.setNoDelay(true);
    tcp.on("error", () => undefined).on("close", () => sockets.delete(tcp));
    if (context === undefined || index < plain) return void serve(new Peer(tcp, tcp), index);
    const secure = new TLSSocket(tcp, { isServer: true, secureContext: context });
    secure.on("error", () => undefined);
    secure.once("secure", () => void serve(new Peer(secure, tcp), index));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** One connection, seen from the server; nothing is read from it before `request` is called. */
export class Peer {
  /** Carries the answer, in TLS or not. */
  readonly socket: Duplex;
  readonly tcp: Socket;
  /** Sees each request before it is handed out. */
  onRequest: (request: Buffer) => void = () => undefined;
  #received = Buffer.alloc(0);
  #reading = false;
  #wake: () => void = () => undefined;

  constructor(socket: Duplex, tcp: Socket) {
    this.socket = socket;
    this.tcp = tcp;
    for (const event of ["close", "end"]) socket.on(event, () => this.#wake());
  }

  get gone(): boolean {
    return this.tcp.destroyed || this.socket.destroyed || this.socket.readableEnded;
  }

  /** The next whole request as it came, or undefined when none comes any more. */
  async request(): Promise<Buffer | undefined> {
    this.#read();
    for (;;) {
      const length = requestLength(this.#received);
      if (length !== undefined && this.#received.length >= length) {
        const request = this.#received.subarray(0, length);
        this.#received = this.#received.subarray(length);
        this.onRequest(request);
        return request;
      }
      if (this.gone) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  /** Resolves when the other side has gone; notices only where something was read before. */
  async closed(): Promise<void> {
    while (!this.gone) await delay(5);
  }

  write(data: string | Uint8Array): void {
    if (!this.gone)
      this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  end(data = ""): void {
    this.write(data);
    this.socket.end();
  }

  reset(): void {
    this.tcp.resetAndDestroy();
  }

  /** Sends without end, as fast as it is taken. */
  async flood(data: string | Uint8Array): Promise<void> {
    while (!this.gone) {
      this.write(data);
      // Not `drain` alone: it never comes when the other side has gone.
      while (!this.gone && this.socket.writableNeedDrain) await delay(1);
      await turn();
    }
  }

  /** Sends without end, a byte each 20 ms. */
  async drip(data: string): Promise<void> {
    for (let at = 0; !this.gone; at = (at + 1) % data.length) {
      this.write(data[at]!);
      await delay(20);
    }
  }

  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }
}

function requestLength(received: Buffer): number | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = /^content-length: (\d+)$/im.exec(received.toString("latin1", 0, end))?.[1];
  return end + 4 + Number(length ?? 0);
}
