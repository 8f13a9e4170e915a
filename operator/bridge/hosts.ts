import { isIPv4, isIPv6 } from "node:net";
import { isLoopback } from "../../common/config/fields.ts";
import { text } from "./fields.ts";
import type { Egress, NetworkPeer } from "./network.ts";

interface UrlOptions {
  /** What the API server checks: as close as a regular expression gets. */
  readonly pattern: string;
  readonly expected: string;
}

/** A URL without credentials and fragment. */
export function resourceUrl({ pattern, expected }: UrlOptions) {
  return text({ max: 2048, pattern: new RegExp(pattern), expected, unit: "URL" }).refine(
    (url) => URL.canParse(url),
    "must be a URL",
  );
}

/**
 * URLs whose host is an address, as far as a regular expression can tell. The API server's budget
 * for rules has no room for parsing a URL; `reach` decides exactly.
 */
const addressPattern = String.raw`^[a-z]+://([^/?#@]*@)?(localhost|\[[0-9a-fA-F:.]{2,45}\]|[0-9]{1,3}([.][0-9]{1,3}){3})(:[0-9]{1,5})?(/.*)?$`;
const addressUrl = new RegExp(addressPattern);

/** For rules on URLs: whether it is known without asking DNS where they lead to. */
export function hasAddress(url: string): boolean {
  return addressUrl.test(url);
}

/** hasAddress as CEL, of an expression that is a URL. */
export function celHasAddress(expression: string): string {
  return `${expression}.matches(${JSON.stringify(addressPattern)})`;
}

export const needsEgress =
  "a host name needs egress.to, the addresses or pods that it stands for; or give an address";

export interface Reach {
  readonly to: readonly NetworkPeer[];
  readonly ports: readonly number[];
}

const defaultPorts: Readonly<Record<string, number>> = {
  "https:": 443,
  "http:": 80,
  "rediss:": 6379,
};

/**
 * Where a URL's connections go, for a NetworkPolicy: what `egress` says, else the address that is
 * the URL's host. URLs write one address in many ways (`127.1`), so the parsed one counts. A pod
 * reaches its own loopback under any policy.
 * @returns undefined when the host is a name and egress does not say what it stands for
 */
export function reach(url: string, egress: Egress | undefined): Reach | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  const port = Number(parsed.port) || defaultPorts[parsed.protocol];
  const ports = egress?.ports ?? (port === undefined ? undefined : [port]);
  const to = egress?.to ?? peersOf(parsed.hostname.replace(/^\[|\]$/g, ""));
  return to === undefined || ports === undefined ? undefined : { to, ports };
}

function peersOf(host: string): NetworkPeer[] | undefined {
  if (isLoopback(host)) return [];
  if (isIPv4(host)) return [{ ipBlock: { cidr: `${host}/32` } }];
  if (isIPv6(host)) return [{ ipBlock: { cidr: `${host}/128` } }];
  return undefined;
}
