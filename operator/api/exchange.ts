import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type Agent } from "node:https";
import type { Scheduler } from "../../common/scheduler.ts";
import { ApiError, connectionError } from "./errors.ts";
import type { ApiCall } from "./resources.ts";

export interface ExchangeOptions {
  /** For errors. */
  readonly call: ApiCall;
  readonly agent: Agent;
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Milliseconds from now until it is cut. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly scheduler: Scheduler;
}

/**
 * One HTTP request and its answer. It is cut when its time runs out or when its signal aborts, at
 * whatever point it is then; whoever opened it closes it.
 */
export class Exchange {
  readonly response: IncomingMessage;
  readonly #options: ExchangeOptions;
  readonly #guard: Guard;

  private constructor(response: IncomingMessage, options: ExchangeOptions, guard: Guard) {
    this.response = response;
    this.#options = options;
    this.#guard = guard;
  }

  /**
   * Resolves when the headers of the answer are there.
   * @throws ApiError ERR_API_UNREACHABLE, ERR_API_TIMEOUT, ERR_API_ABORTED
   */
  static async open(options: ExchangeOptions): Promise<Exchange> {
    const { call, agent, url, method, headers, body, signal } = options;
    if (signal?.aborted === true) throw aborted(call);
    const request = httpsRequest(url, { agent, method, headers });
    const guard = new Guard(options, (reason) => request.destroy(reason));
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.once("response", resolve);
    // It stays: what breaks after the answer began would else end the process.
    request.on("error", (cause) => {
      reject(new BrokenConnection(connectionError(call, cause), request.reusedSocket));
    });
    request.end(body);
    try {
      const response = await promise;
      guard.cut = (reason) => response.destroy(reason);
      response.on("error", () => undefined); // told to whoever reads the body
      return new Exchange(response, options, guard);
    } catch (error) {
      guard.release();
      throw error;
    }
  }

  /** From now on it has this many milliseconds. */
  extend(milliseconds: number): void {
    this.#guard.arm(milliseconds);
  }

  /** The body as it comes. @throws ApiError when it ends before it is complete */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.response as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw connectionError(this.#options.call, error);
    }
  }

  /** The whole body. @throws ApiError also when it is longer than `limit` bytes */
  async body(limit: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.chunks()) {
      length += chunk.length;
      if (length > limit) {
        const { call } = this.#options;
        throw new ApiError("ERR_API_FORMAT", `answers over ${limit} bytes`, { call });
      }
      parts.push(chunk);
    }
    return Buffer.concat(parts, length);
  }

  /** Frees the connection: for the next request when the body was read to its end, else for good. */
  close(): void {
    this.#guard.release();
    if (!this.response.complete) this.response.destroy();
  }
}

/** A connection that failed before an answer came. */
export class BrokenConnection extends Error {
  readonly error: ApiError;
  /** The server may have closed it while it lay idle, so that the request never arrived. */
  readonly reused: boolean;

  constructor(error: ApiError, reused: boolean) {
    super(error.message, { cause: error });
    this.error = error;
    this.reused = reused;
  }
}

/** What ends an exchange from this side. */
class Guard {
  cut: (reason: ApiError) => void;
  readonly #options: ExchangeOptions;
  #cancel: () => void = () => undefined;

  constructor(options: ExchangeOptions, cut: (reason: ApiError) => void) {
    this.#options = options;
    this.cut = cut;
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    this.arm(options.timeout);
  }

  readonly #abort = (): void => this.cut(aborted(this.#options.call));

  arm(milliseconds: number): void {
    this.#cancel();
    const { call, scheduler } = this.#options;
    this.#cancel = scheduler.after(milliseconds, () => {
      const seconds = Math.round(milliseconds / 100) / 10;
      this.cut(new ApiError("ERR_API_TIMEOUT", `nothing came for ${seconds} s`, { call }));
    });
  }

  release(): void {
    this.#cancel();
    this.#options.signal?.removeEventListener("abort", this.#abort);
  }
}

export function aborted(call: ApiCall): ApiError {
  return new ApiError("ERR_API_ABORTED", "given up", { call });
}
