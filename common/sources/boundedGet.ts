import { Agent as HttpAgent, type IncomingHttpHeaders } from "node:http";
import got, { type OptionsInit, type Response } from "got";
import { errorCode } from "../errors.ts";
import { parseRetryAfter } from "./retryAfter.ts";
import { SourceError } from "./source.ts";
import type { SourceAgent } from "./tlsAgent.ts";
import { handshakeProblem } from "./tlsProblem.ts";

export interface GetOptions {
  readonly agent: SourceAgent;
  /** For the whole exchange, in milliseconds: a slow drip ends here. */
  readonly timeout: number;
  /** The body may have this many bytes, given its media type (lower case, no parameters). */
  readonly limit: (mediaType: string) => number;
  /** Beside those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface GetAnswer {
  readonly status: number;
  /** Lower case, without parameters; empty when the source names none. */
  readonly mediaType: string;
  /** Milliseconds that the source asks to be left alone. */
  readonly retryAfter?: number | undefined;
  readonly body: Buffer;
}

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
      if (length > options.limit(mediaTypeOf(answer?.headers))) {
        throw new SourceError("ERR_SOURCE_LENGTH", "answers with more bytes than asked for");
      }
    }
    if (answer?.complete !== true)
      throw new SourceError("ERR_SOURCE_LENGTH", "its answer was cut short");
    refuseCompression(answer.headers);
    return {
      status: answer.statusCode,
      mediaType: mediaTypeOf(answer.headers),
      retryAfter: parseRetryAfter(answer.headers["retry-after"], Date.now()),
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

function requestOptions(options: GetOptions): OptionsInit & { isStream: true } {
  return {
    isStream: true,
    agent: { https: options.agent, http: plainAgent },
    timeout: { request: options.timeout },
    signal: options.signal,
    retry: { limit: 0 },
    followRedirect: false,
    decompress: false,
    throwHttpErrors: false,
    headers: {
      ...options.headers,
      "accept-encoding": "identity",
      "cache-control": "no-store",
      "user-agent": "qrng-bridge",
    },
  };
}

function mediaTypeOf(headers: IncomingHttpHeaders | undefined): string {
  const type = headers?.["content-type"] ?? "";
  return (type.split(";")[0] ?? "").trim().toLowerCase();
}

function refuseCompression(headers: IncomingHttpHeaders): void {
  if ((headers["content-encoding"] ?? "identity") === "identity") return;
  throw new SourceError("ERR_SOURCE_FORMAT", "answers compressed although identity was asked for");
}

const networkTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens on its address and port",
  ENOTFOUND: "its name is not known to DNS",
  EAI_AGAIN: "DNS does not answer for its name",
  EHOSTUNREACH: "no route leads to it, or a firewall refuses it",
  ENETUNREACH: "no route leads to its network",
};

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
  if (code.startsWith("HPE_")) {
    const text = code === "HPE_HEADER_OVERFLOW" ? "sends too many headers" : "speaks no HTTP";
    return new SourceError("ERR_SOURCE_UNREACHABLE", `${text} (${code})`, { cause: error });
  }
  const text = networkTexts[code] ?? "cannot be reached";
  return (
    handshakeProblem(code, error) ??
    new SourceError("ERR_SOURCE_UNREACHABLE", `${text} (${code})`, { cause: error })
  );
}
