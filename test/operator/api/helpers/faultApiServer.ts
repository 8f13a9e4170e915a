import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { makeAuthority, type Identity } from "../../../helpers/certificates.ts";
import { Collections } from "./collections.ts";

/** What befalls a request instead of being served. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

interface Expected {
  readonly matches: RegExp;
  readonly fault: Fault;
  left: number;
}

interface Watch {
  readonly response: ServerResponse;
  readonly collection: string;
}

/**
 * Lists, watches and writes, over real HTTPS, as an API server serves them
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/), with the faults that a real one
 * shows only now and then.
 */
export class FaultApiServer implements AsyncDisposable {
  readonly ca: string;
  readonly collections = new Collections((event, collection) => this.#tell(event, collection));
  /** Method, path and query of each request. */
  readonly requests: string[] = [];
  /** `authorization` of each request. */
  readonly authorizations: (string | undefined)[] = [];
  /** TCP connections so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<Watch>();
  readonly #expected: Expected[] = [];

  private constructor(ca: string, { certificate, key }: Identity) {
    this.ca = ca;
    const options = { cert: certificate, key, keepAliveTimeout: 60_000 };
    this.#server = createServer(options, (request, response) => {
      response.on("error", () => undefined);
      void this.#handle(request, response);
    });
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<FaultApiServer> {
    const authority = await makeAuthority();
    const server = new FaultApiServer(authority.certificate, await authority.issue());
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): URL {
    return new URL(`https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Watches that are open. */
  get watching(): number {
    return this.#watches.size;
  }

  /** TCP connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** The next `times` requests whose method, path and query match suffer the fault. */
  fail(matches: RegExp, fault: Fault, times = 1): void {
    this.#expected.push({ matches, fault, left: times });
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends all watches in good order. */
  endWatches(): void {
    for (const { response } of this.#watches) response.end();
  }

  bookmark(): void {
    const { resourceVersion } = this.collections;
    this.#tell({ type: "BOOKMARK", object: { metadata: { resourceVersion } } });
  }

  expireWatches(): void {
    this.#tell({ type: "ERROR", object: status(410, "Expired") });
  }

  /** Sends to all watches what no API server would. */
  write(bytes: string): void {
    for (const { response } of this.#watches) response.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    this.authorizations.push(request.headers.authorization);
    const body = await text(request).catch(() => "");
    const expected = this.#expected.find(({ matches, left }) => left > 0 && matches.test(line));
    if (expected !== undefined) {
      expected.left--;
      return expected.fault(request, response);
    }
    const { pathname, searchParams: query } = new URL(request.url ?? "/", this.url);
    const [, collection = "", name] = resourcePath.exec(pathname) ?? [];
    if (request.method === "GET" && query.get("watch") === "true") {
      return this.#watch(collection, query, response);
    }
    const served = this.collections.serve(request.method ?? "", collection, name, query, body);
    if (typeof served === "number") {
      const taken = served === 409 && request.method === "POST" ? "AlreadyExists" : undefined;
      return answer(response, served, status(served, taken));
    }
    answer(response, 200, served);
  }

  #watch(collection: string, query: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    const missed = this.collections.since(Number(query.get("resourceVersion")), collection);
    if (missed === undefined) {
      return void response.end(line({ type: "ERROR", object: status(410, "Expired") }));
    }
    response.flushHeaders();
    for (const event of missed) response.write(line(event));
    const watch = { response, collection };
    this.#watches.add(watch);
    response.on("close", () => this.#watches.delete(watch));
  }

  #tell(event: object, collection?: string): void {
    for (const watch of this.#watches) {
      if (collection === undefined || watch.collection === collection) {
        watch.response.write(line(event));
      }
    }
  }
}

const resourcePath =
  /^(\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/[^/]+)?\/[^/]+)(?:\/([^/]+))?$/;

function line(event: object): string {
  return `${JSON.stringify(event)}\n`;
}

const reasons: Readonly<Record<number, string>> = {
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Expired",
};

function status(code: number, reason = reasons[code]): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: reason };
}

function answer(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** An answer with a Status, and with Retry-After where seconds are given. */
export function refuses(code: number, reason: string, retryAfter?: number): Fault {
  return (_, response) => {
    if (retryAfter !== undefined) response.setHeader("retry-after", String(retryAfter));
    answer(response, code, status(code, reason));
  };
}

/** A successful answer with any text. */
export function sends(body: string): Fault {
  return (_, response) => void response.end(body);
}

/** No answer, ever. */
export const hangs: Fault = () => undefined;

/** The connection ends instead of an answer. */
export const resets: Fault = (request) => void request.socket.destroy();
