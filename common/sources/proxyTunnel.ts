import { request, type ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { errorCode } from "../errors.ts";
import { retryAfter, retryWhenChanged, SourceError, type Retry, retrySoon } from "./source.ts";

/** An HTTP proxy between here and a source. It sees the source's name, and no byte of what is said. */
export interface Proxy {
  /** Plain http. */
  readonly url: URL;
  /** `user:password`, when it wants one. */
  readonly credential: string | undefined;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

type Opened = (error: SourceError | null, carrier: Socket | undefined) => void;

/**
 * Asks a proxy for a connection to the target (CONNECT: RFC 9110, 9.3.6).
 * @param opened called once, with a socket to speak TLS over, or why there is none
 * @returns what to destroy when it takes too long
 */
export function openTunnel(proxy: Proxy, { host, port }: Target, opened: Opened): ClientRequest {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const asking = request({
    host: proxy.url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(proxy.url.port || 80),
    method: "CONNECT",
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    agent: false,
  });
  asking.once("connect", ({ statusCode = 0 }, carrier: Duplex, early: Buffer) => {
    const problem = answerProblem(statusCode, early);
    if (problem === undefined) return opened(null, carrier as Socket);
    carrier.destroy();
    opened(problem, undefined);
  });
  asking.once("error", (error) => {
    opened(error instanceof SourceError ? error : unreachable(error), undefined);
  });
  asking.end();
  return asking;
}

function authorization({ credential }: Proxy): Record<string, string> {
  if (credential === undefined) return {};
  return { "proxy-authorization": `Basic ${Buffer.from(credential).toString("base64")}` };
}

function answerProblem(status: number, early: Buffer): SourceError | undefined {
  if (status === 407) {
    return refused("wants another credential (407): proxy_auth_file", retryWhenChanged);
  }
  if (status === 403) return refused("forbids the source's address (403)", retryAfter(60_000));
  if (status < 200 || status > 299) return refused(`answers with status ${status}`, retrySoon);
  // In TLS the client speaks first: these would be the proxy's own.
  return early.length === 0 ? undefined : refused("adds bytes of its own", retrySoon);
}

function refused(text: string, retry: Retry): SourceError {
  return new SourceError("ERR_SOURCE_UNREACHABLE", `its proxy ${text}`, { retry });
}

function unreachable(cause: Error): SourceError {
  const code = errorCode(cause) ?? "unknown";
  return new SourceError("ERR_SOURCE_UNREACHABLE", `its proxy cannot be reached (${code})`, {
    cause,
  });
}
