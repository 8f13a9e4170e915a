import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { buffer as readAll } from "node:stream/consumers";
import { promisify } from "node:util";
import { decodePacket } from "../../../common/packet/msgpack.ts";
import { eventually } from "../../helpers/eventually.ts";
import { exchange } from "./exchange.ts";

/** A packet that the collector has sent whole, and what the gateway answered. */
export interface Push {
  /** Which life of the collector sent it, from the path in its config. */
  readonly collectorLife: number;
  /** Which life of the gateway it was forwarded to. */
  readonly gatewayLife: number;
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
  /** Of the packet, hex. */
  readonly signature: string;
  readonly blocks: readonly number[];
  /** Undefined as long as the gateway has not answered, and for good when it died first. */
  status: number | undefined;
}

/** A push that the gateway has taken and whose answer the collector has not got. */
interface Held {
  readonly push: Push;
  /** Cuts the collector's connection instead of passing the answer on. */
  swallow(): void;
}

export interface PushProxy extends AsyncDisposable {
  readonly address: string;
  readonly pushes: readonly Push[];
  pushUrl(life: number): string;
  /** Listens and forwards to this life of the gateway. */
  open(gatewayLife: number, gatewayAddress: string): Promise<void>;
  /**
   * Refuses connections, as the gateway's address does while there is no gateway; resolves when no
   * push waits for an answer.
   */
  close(): Promise<void>;
  /** Resolves when all that a collector sent that is gone now has been answered. */
  settled(): Promise<void>;
  /** Holds the answer of the next push that is taken. */
  holdNext(): Promise<Held>;
  /** Cuts the connection of the next push instead of forwarding it: resolves when it has. */
  loseNext(): Promise<void>;
  /** Cuts all of the collector's connections, whatever they are at. */
  cut(): void;
}

export interface PushProxyOptions {
  /** Stays the same whenever it opens. */
  readonly port: number;
  readonly numbersOf: (data: Uint8Array) => number[];
}

/** Stands between collector and gateway, writes down every push, and can keep an answer back. */
export function createPushProxy({ port, numbersOf }: PushProxyOptions): PushProxy {
  const pushes: Push[] = [];
  const waiting = new Set<Promise<unknown>>();
  let target = { life: 0, address: "" };
  let holder: ((held: Held) => void) | undefined;
  let loser: (() => void) | undefined;

  const forward = async (request: IncomingMessage): Promise<Push | undefined> => {
    const { life, address } = target;
    const body = await readAll(request).catch(() => undefined);
    if (body === undefined) return undefined; // the collector died halfway
    const packet = decodePacket(body);
    const push: Push = {
      collectorLife: Number(/^\/(\d+)\/push$/.exec(request.url ?? "")?.[1]),
      gatewayLife: life,
      body,
      headers: request.headers,
      signature: Buffer.from(packet.signature).toString("hex"),
      blocks: numbersOf(packet.data),
      status: undefined,
    };
    pushes.push(push);
    const url = `http://${address}/push`;
    push.status = (
      await exchange({ url, method: "POST", headers: push.headers, send: body })
    ).status;
    return push;
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (loser !== undefined) {
      loser();
      loser = undefined;
      return void response.destroy();
    }
    const answered = forward(request).then((push) => {
      if (push?.status === undefined) return void response.destroy();
      const take = push.status === 200 ? holder : undefined;
      if (take === undefined) {
        response.shouldKeepAlive = server.listening;
        return void response.writeHead(push.status).end();
      }
      holder = undefined;
      take({ push, swallow: () => response.destroy() });
    });
    waiting.add(answered);
    void answered.finally(() => waiting.delete(answered));
  });
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    await closed; // once those that wait for an answer have got it, or were cut
    await Promise.all(waiting);
  };
  return {
    address: `127.0.0.1:${port}`,
    pushes,
    pushUrl: (life) => `http://127.0.0.1:${port}/${life}/push`,
    open: async (life, address) => {
      target = { life, address };
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    close,
    settled: async () => {
      const connections = promisify<number>((done) => server.getConnections(done));
      await eventually(async () => waiting.size === 0 && (await connections()) === 0);
    },
    cut: () => server.closeAllConnections(),
    loseNext: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      loser = resolve;
      return promise;
    },
    holdNext: () => {
      const { promise, resolve } = Promise.withResolvers<Held>();
      holder = resolve;
      return promise;
    },
    [Symbol.asyncDispose]: close,
  };
}
