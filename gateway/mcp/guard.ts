import type { IncomingHttpHeaders } from "node:http";
import { isLoopback } from "../../common/config/fields.ts";
import { Problem } from "../problem.ts";

export interface GuardOptions {
  /** Origins that may call, beside the gateway's own; as browsers send them. */
  readonly allowedOrigins: readonly string[];
  /** Host names that the gateway answers to, without ports; all when empty, but see below. */
  readonly allowedHosts: readonly string[];
  /** The address that the API listens on. */
  readonly listenHost: string;
}

/**
 * Refuses what only a browser sends that was led here: a page of another origin, or one whose own
 * name was made to resolve to this address (DNS rebinding). A gateway on loopback answers to
 * loopback's names only, unless others are listed.
 * @throws Problem 403
 */
export function refuseForeign(
  { host = "", origin }: IncomingHttpHeaders,
  { allowedOrigins, allowedHosts, listenHost }: GuardOptions,
): void {
  const name = hostName(host);
  const isKnown =
    allowedHosts.length > 0
      ? allowedHosts.some((allowed) => allowed === name)
      : !isLoopback(listenHost) || isLoopback(name);
  if (name === "" || !isKnown)
    throw new Problem(403, "ERR_HOST", "the Host header names another host");
  if (origin === undefined || allowedOrigins.includes(origin)) return;
  const isOwn = URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
  if (!isOwn) throw new Problem(403, "ERR_ORIGIN", "the Origin header names a foreign origin");
}

/** Without the port, in lower case; empty when it is none. */
function hostName(host: string): string {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
