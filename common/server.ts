import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAddress, type Address } from "./config/fields.ts";
import { ConfigError, errorCode } from "./errors.ts";

const refusals: Record<string, string> = {
  EADDRINUSE: "is taken by another process",
  EADDRNOTAVAIL: "is not an address of this machine",
  EACCES: "needs privileges",
};

/** Bounds on what a client may hold open or send, for every server here. */
export const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  /** TLS only. */
  handshakeTimeout: 5_000,
} as const;

/**
 * @param field the config field that the address came from, for the error
 * @returns the address with the port that the system picked where 0 was asked for
 * @throws ConfigError when the address cannot be had
 */
export async function listen(server: Server, wanted: Address, field: string): Promise<Address> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  // Without a host Node listens on `::`, or on `0.0.0.0` where a machine has no IPv6.
  const host = wanted.host === "::" ? undefined : wanted.host;
  server.listen({ port: wanted.port, host }, resolve);
  try {
    await promise;
  } catch (cause) {
    const reason =
      refusals[errorCode(cause) ?? ""] ?? `cannot be had (${errorCode(cause) ?? "unknown"})`;
    throw new ConfigError(`${field}: ${formatAddress(wanted)} ${reason}`, { cause });
  } finally {
    server.off("error", reject);
  }
  const { port } = server.address() as AddressInfo;
  return { host: wanted.host, port };
}

/** Takes no new connections, lets requests under way end until `signal` aborts, then cuts them. */
export async function close(server: Server, signal: AbortSignal): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const cut = (): void => server.closeAllConnections();
  if (signal.aborted) cut();
  signal.addEventListener("abort", cut, { once: true });
  await promise;
  signal.removeEventListener("abort", cut);
}
