import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Reloaded } from "../../common/reload.ts";
import { sleep } from "../../common/wait.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import { openSocket, portOf } from "./socket.ts";
import type { PushTls } from "./tls.ts";

export interface ConnectionOptions {
  readonly url: URL;
  /** The instance's address, which is connected to; TLS checks the URL's name. */
  readonly address: string;
  readonly tls: Reloaded<PushTls>;
  /** Milliseconds for one push, connecting included. */
  readonly timeout: number;
  readonly clock: Clock;
}

/** What is used of it. */
export type PushConnection = Pick<Connection, "push" | "untilMayConnect" | "close">;

const maxAnswerBytes = 64 * 1024;
const answerBodyMilliseconds = 1_000;
const reconnectMilliseconds = 1_000;

/** The one connection to one gateway instance; kept alive, opened at most once a second. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #agent: HttpAgent;
  #connectedAt = Number.NEGATIVE_INFINITY;
  #connectedWith: PushTls | undefined;
  #connecting: Socket | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const AgentClass = options.url.protocol === "https:" ? HttpsAgent : HttpAgent;
    this.#agent = new AgentClass({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    // A socket is handed over when it is connected (and its TLS verified): until then no byte of
    // the request can have been sent, which is what `unreachable` means.
    this.#agent.createConnection = (_options, callback) => {
      this.#connectedAt = options.clock.monotonic();
      void this.#connect().then(
        (socket) => callback?.(null, socket),
        (error: Error) => (callback as (error: Error) => void)(error),
      );
      return undefined;
    };
  }

  /** Sends one packet. Never throws: whatever happens is one of the seven outcomes. */
  async push(
    body: Buffer,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    await this.untilMayConnect(signal);
    if (signal.aborted) return "unreachable";
    const { url, address, timeout } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)({
      agent: this.#agent,
      host: address,
      port: portOf(url),
      method: "POST",
      path: url.pathname,
      setHost: false,
      headers: { host: url.host, "content-length": body.length, ...headers },
    });
    let sent = false;
    let answer: IncomingMessage | undefined;
    let socket: Socket | undefined;
    let received = 0;
    const count = (data: Buffer): void => {
      received += data.length;
      if (received > maxAnswerBytes) request.destroy();
    };
    const cut = (): void => {
      request.destroy();
      if (!sent) this.#connecting?.destroy(); // else the request would wait for its socket
    };
    const deadline = setTimeout(cut, timeout);
    let bodyDeadline: NodeJS.Timeout | undefined;
    signal.addEventListener("abort", cut, { once: true });
    request.once("socket", (assigned: Socket) => {
      sent = true;
      socket = assigned;
      assigned.on("data", count);
    });
    request.once("response", (response) => {
      answer = response;
      bodyDeadline = setTimeout(cut, answerBodyMilliseconds);
      response.once("end", resolve).on("error", cut).resume();
    });
    // Nobody listens for `upgrade`: so Node closes the connection of whoever wants one.
    request.on("error", () => resolve());
    request.once("close", resolve);
    request.end(body);

    await promise;
    clearTimeout(deadline);
    clearTimeout(bodyDeadline);
    signal.removeEventListener("abort", cut);
    socket?.off("data", count);
    // An answer that came before the request was read, or did not end, leaves a connection that
    // nothing can be said of.
    if (answer?.complete !== true || !request.writableFinished) request.destroy();
    if (answer?.statusCode !== undefined) return outcomeOf(answer.statusCode);
    return sent ? "unknown" : "unreachable";
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Resolves when a push needs no connection, or may open one; also when `signal` aborts. A push waits
   * for it by itself, but what was signed before would have grown older.
   */
  async untilMayConnect(signal: AbortSignal): Promise<void> {
    // What is open was checked against, and shown, certificates that are no longer the ones to use.
    if (this.#connectedWith !== this.#options.tls.current()) this.#agent.destroy();
    if (Object.keys(this.#agent.freeSockets).length > 0) return;
    const wait = this.#connectedAt + reconnectMilliseconds - this.#options.clock.monotonic();
    if (wait > 0) await sleep(wait, signal);
  }

  async #connect(): Promise<Socket> {
    const { url, address, timeout, tls } = this.#options;
    this.#connectedWith = tls.current();
    const { socket, ready } = openSocket({ url, address, tls: this.#connectedWith, timeout });
    this.#connecting = socket;
    try {
      await ready;
      return socket;
    } finally {
      this.#connecting = undefined;
    }
  }
}
