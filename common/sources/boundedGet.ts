import { Agent as HttpAgent } from "node:http";
import got, { type OptionsInit, type Response } from "got";
import { errorCode } from "../errors.ts";
import { SourceError } from "./source.ts";
import type { SourceAgent } from "./tlsAgent.ts";

export interface GetOptions {
  readonly agent: SourceAgent;
  /** For the whole exchange, in milliseconds: a slow drip ends here. */
  readonly timeout: number;
  /** The body may have this many bytes, given its media type (lower case, no parameters). */
  readonly limit: (mediaType: string) => number;
  readonly signal: AbortSignal;
}

export interface GetAnswer {
  readonly status: number;
  /** Lower case, without parameters; empty when the source names none. */
  readonly mediaType: string;
  readonly body: Buffer;
}

const certificateCodes =
  /^(CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/;
const handshakeCodes = /^(ERR_SSL_|EPROTO$)/;

/**
 * One GET: no redirect, no retry, no compression, a bound on time and on bytes.
 * @throws SourceError for everything but a complete answer
 */
export async function boundedGet(url: URL, options: GetOptions): Promise<GetAnswer> {
  const { agent, timeout, signal } = options;
  const giveUp = (): void => agent.giveUpConnecting();
  const timer = setTimeout(giveUp, timeout);
  signal.addEventListener("abort", giveUp, { once: true });
  const stream = got.stream(url, requestOptions(options));
  const chunks: Buffer[] = [];
  let length = 0;
  let answer: Response | undefined;
  stream.once("response", (response: Response) => (answer = response));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > options.limit(mediaTypeOf(answer))) {
        throw new SourceError("ERR_SOURCE_LENGTH", "answers with more bytes than asked for");
      }
    }
    if (answer?.complete !== true)
      throw new SourceError("ERR_SOURCE_LENGTH", "its answer was cut short");
    const encoding = answer.headers["content-encoding"] ?? "identity";
    if (encoding !== "identity") {
      throw new SourceError(
        "ERR_SOURCE_FORMAT",
        "answers compressed although identity was asked for",
      );
    }
    return {
      status: answer.statusCode,
      mediaType: mediaTypeOf(answer),
      body: Buffer.concat(chunks),
    };
  } catch (error) {
    throw asSourceError(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    stream.destroy();
    for (const chunk of chunks) chunk.fill(0);
  }
}

const plainAgent = new HttpAgent({ keepAlive: true });

function requestOptions({ agent, timeout, signal }: GetOptions): OptionsInit & { isStream: true } {
  return {
    isStream: true,
    agent: { https: agent, http: plainAgent },
    timeout: { request: timeout },
    signal,
    retry: { limit: 0 },
    followRedirect: false,
    decompress: false,
    throwHttpErrors: false,
    headers: {
      "accept-encoding": "identity",
      "cache-control": "no-store",
      "user-agent": "qrng-bridge",
    },
  };
}

function mediaTypeOf(answer: Response | undefined): string {
  const type = answer?.headers["content-type"] ?? "";
  return (type.split(";")[0] ?? "").trim().toLowerCase();
}

/** got wraps errors; what counts is the first of ours in the chain, else the code. */
function asSourceError(error: unknown): SourceError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof SourceError) return cause;
  }
  const code = errorCode(error) ?? "unknown";
  if (code === "ETIMEDOUT") {
    return new SourceError("ERR_SOURCE_TIMEOUT", "did not answer in time", { cause: error });
  }
  if (code === "ECONNRESET" || code === "ERR_READING_RESPONSE_STREAM" || code === "ECONNABORTED") {
    return new SourceError("ERR_SOURCE_UNREACHABLE", "ended the connection", { cause: error });
  }
  if (certificateCodes.test(code)) {
    return new SourceError("ERR_SOURCE_TLS", `its certificate is not trusted (${code})`, {
      cause: error,
    });
  }
  if (handshakeCodes.test(code)) {
    return new SourceError("ERR_SOURCE_TLS", `does not agree on TLS (${code})`, { cause: error });
  }
  return new SourceError("ERR_SOURCE_UNREACHABLE", `cannot be reached (${code})`, { cause: error });
}
