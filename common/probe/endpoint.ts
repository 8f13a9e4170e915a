import { isIP } from "node:net";

export type Protocol = "TCP" | "UDP";

/** Hosts that a pod finds by itself: in its resolv.conf and in its environment. */
export const knownHosts = ["dns", "api-server"] as const;
export type KnownHost = (typeof knownHosts)[number];

/** Where an attempt goes. */
export interface Endpoint {
  readonly protocol: Protocol;
  /** An address, or one of the known hosts. */
  readonly host: string;
  readonly port: number;
}

/** As an argument of the probe: `tcp/10.0.0.1/7765`, `udp/fd00::1/9465`, `udp/dns/53`. */
export function endpointText({ protocol, host, port }: Endpoint): string {
  return `${protocol.toLowerCase()}/${host}/${port}`;
}

/** @returns undefined for what is none */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, protocol = "", host = "", port = ""] =
    /^(tcp|udp)\/([-a-z0-9.:]{1,45})\/([1-9]\d{0,4})$/.exec(text) ?? [];
  const isHost = isIP(host) !== 0 || isKnownHost(host);
  if (!isHost || Number(port) > 65_535) return undefined;
  return { protocol: protocol === "tcp" ? "TCP" : "UDP", host, port: Number(port) };
}

export function isKnownHost(host: string): host is KnownHost {
  return knownHosts.some((known) => known === host);
}
