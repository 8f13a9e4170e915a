import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type { PushTls } from "./tls.ts";

export interface Target {
  readonly url: URL;
  /** The instance's address, which is connected to; TLS checks the URL's name. */
  readonly address: string;
  readonly tls: PushTls;
  /** Milliseconds until it is connected, its certificate verified. */
  readonly timeout: number;
}

/** A connection to one gateway instance; `ready` resolves when bytes may be sent. */
export function openSocket({ url, address, tls, timeout }: Target): {
  readonly socket: Socket;
  readonly ready: Promise<void>;
} {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const secure = url.protocol === "https:";
  const socket = secure
    ? connectTls({ host: address, port: portOf(url), ...tlsOptions(url, tls) })
    : connectTcp({ host: address, port: portOf(url) });
  socket.setNoDelay(true);
  socket.once(secure ? "secureConnect" : "connect", resolve).once("error", reject);
  socket.once("close", () => reject(new Error("closed while connecting")));
  const deadline = setTimeout(() => socket.destroy(), timeout);
  return { socket, ready: promise.finally(() => clearTimeout(deadline)) };
}

function tlsOptions(url: URL, { ca, certificate, key }: PushTls) {
  const name = url.hostname.replace(/^\[|\]$/g, "");
  return {
    minVersion: "TLSv1.3" as const,
    rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate, key }),
    // The address is connected to, the URL's name is what its certificate must be for.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(name, peer),
  };
}

export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
