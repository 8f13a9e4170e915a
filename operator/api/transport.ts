import { Agent } from "node:https";
import { version } from "../../common/version.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";
import type { Credentials } from "./credentials.ts";
import { aborted, BrokenConnection, Exchange } from "./exchange.ts";
import { ApiError, statusError } from "./errors.ts";
import type { RequestCounts } from "./requestCounts.ts";
import { callPath, methodOf, type ApiCall } from "./resources.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiRequest {
  readonly call: ApiCall;
  /** The call's where left out. */
  readonly path?: string | undefined;
  readonly query?: Query | undefined;
  readonly accept?: string | undefined;
  readonly body?: { readonly type: string; readonly value: unknown } | undefined;
  /** Milliseconds for the call with all its attempts and their answers. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  readonly credentials: Credentials;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly counts: RequestCounts;
  /** Called before anything that changes the cluster is sent; throws when that must not be. */
  readonly fence?: () => void;
}

const defaultTimeout = 30_000;
/** A page of 500 objects of the largest kind that etcd takes would be larger; none here comes near. */
const bodyLimit = 64 * 2 ** 20;
const errorLimit = 2 ** 20;
/** As client-go: a server that is overloaded for longer is left to the caller's backoff. */
const attempts = 10;
const json = "application/json";

/** Requests to one API server over kept connections, with what every one of them needs. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;

  constructor(options: TransportOptions) {
    this.#options = options;
    // No bound on connections: each watch holds one, and a bound that they fill would stop all else.
    this.#agent = new Agent({
      ...options.credentials.tls,
      keepAlive: true,
      keepAliveMsecs: 30_000, // TCP's own, so that dead peers and idle cuts by firewalls are noticed
      maxFreeSockets: 16,
    });
  }

  get host(): string {
    return this.#options.credentials.server.host;
  }

  /**
   * The answer's JSON.
   * @throws ApiError
   */
  async json(request: ApiRequest): Promise<unknown> {
    const exchange = await this.open(request);
    try {
      return parseJson(request.call, await exchange.body(bodyLimit));
    } finally {
      exchange.close();
    }
  }

  /**
   * A successful answer whose body is still to be read. Asks again, within the timeout: after a 401
   * with renewed credentials, after a 429 (or 5xx with Retry-After) when the server says, and at
   * once when a kept connection turns out to be closed.
   * @throws ApiError
   */
  async open(request: ApiRequest): Promise<Exchange> {
    const { scheduler, random } = this.#options;
    const end = scheduler.monotonic() + (request.timeout ?? defaultTimeout);
    for (let attempt = 1; ; attempt++) {
      const left = end - scheduler.monotonic();
      const result = await this.#attempt(request, left);
      if (result instanceof Exchange) return result;
      const wait = retryDelay(result, request.call, attempt, random);
      if (wait === undefined || wait >= end - scheduler.monotonic()) throw result.error;
      await pause(scheduler, wait, request.signal ?? never);
      if (request.signal?.aborted === true) throw aborted(request.call);
      if (scheduler.monotonic() >= end) throw result.error; // it woke late
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #attempt(request: ApiRequest, timeout: number): Promise<Exchange | Failure> {
    const { credentials, scheduler, counts, fence } = this.#options;
    const { call, accept = json, body } = request;
    const method = methodOf(call);
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body.value));
    const headers = {
      ...(await credentials.headers()),
      accept,
      "user-agent": `qrng-bridge-operator/${version}`,
      ...(content === undefined || body === undefined
        ? {}
        : { "content-type": body.type, "content-length": String(content.length) }),
    };
    if (method !== "GET") fence?.();
    let exchange: Exchange;
    try {
      exchange = await Exchange.open({
        call,
        agent: this.#agent,
        url: requestUrl(credentials.server, request),
        method,
        headers,
        body: content,
        timeout,
        signal: request.signal,
        scheduler,
      });
    } catch (error) {
      if (!(error instanceof BrokenConnection)) throw error; // given up before it was sent
      counts.add("<error>", method);
      return { error: error.error, stale: error.reused };
    }
    const { statusCode = 0, headers: answered } = exchange.response;
    counts.add(String(statusCode), method);
    if (statusCode >= 200 && statusCode < 300) return exchange;
    if (statusCode === 401) credentials.renew();
    try {
      const status = parseQuietly(await exchange.body(errorLimit));
      const retryAfter = parseRetryAfter(answered["retry-after"]);
      return { error: statusError(call, statusCode, status, retryAfter), stale: false };
    } finally {
      exchange.close();
    }
  }
}

interface Failure {
  readonly error: ApiError;
  readonly stale: boolean;
}

const never = new AbortController().signal;

/** @returns milliseconds until the next attempt, or undefined when this was the last */
function retryDelay(
  { error, stale }: Failure,
  { verb }: ApiCall,
  attempt: number,
  random: () => number,
): number | undefined {
  // It may have arrived all the same: only a create would then be another than what was asked for.
  if (stale) return attempt === 1 && verb !== "create" ? 0 : undefined;
  if (error.code === "ERR_API_UNAUTHORIZED") return attempt === 1 ? 0 : undefined;
  if (attempt >= attempts) return undefined;
  const { status = 0, retryAfter } = error;
  const asked = status === 429 ? (retryAfter ?? 1_000) : status >= 500 ? retryAfter : undefined;
  return asked === undefined ? undefined : asked * (1 + random() / 2);
}

/** Seconds, as the API server writes it; a date is taken as not given. */
function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) * 1_000 : undefined;
}

function requestUrl(server: URL, { call, path = callPath(call), query = {} }: ApiRequest): URL {
  const url = new URL(server.pathname.replace(/\/$/, "") + path, server);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

export function parseJson(call: ApiCall, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    throw new ApiError("ERR_API_FORMAT", "answers with bad JSON", { call }); // V8 quotes the input
  }
}

function parseQuietly(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return undefined; // proxies answer with pages of their own
  }
}
