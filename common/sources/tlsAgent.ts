import type { X509Certificate } from "node:crypto";
import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { SourceError } from "./source.ts";

export interface Trust {
  /** PEM of the CAs that may sign the source's certificate; the system's when undefined. */
  readonly ca: string | undefined;
  /** SHA-256 of the certificates (DER) that the source may show, lower-case hex; any when empty. */
  readonly pins: readonly string[];
}

type Callback = (error: Error | null, stream: Duplex) => void;

/**
 * Connections to one source. A socket is handed over only after its certificate was judged, so no
 * byte of a request ever reaches a peer that is not trusted. With pins and no CA (appliances sign
 * their own certificates) the pin is the trust: the exact certificate, still within its dates, and
 * its key proven by the handshake; with both, both must hold.
 */
export class SourceAgent extends Agent {
  readonly #trust: Trust;
  readonly #connecting = new Set<TLSSocket>();

  constructor(trust: Trust) {
    // No cached sessions: a resumed one would show no certificate to compare with the pins.
    super({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0, minVersion: "TLSv1.2" });
    this.#trust = trust;
  }

  override createConnection(options: ConnectionOptions, callback: Callback): undefined {
    const { ca, pins } = this.#trust;
    const pinIsTheTrust = pins.length > 0 && ca === undefined;
    const socket = connect({
      ...options,
      ...(ca === undefined ? {} : { ca }),
      rejectUnauthorized: !pinIsTheTrust, // else judged by `pinProblem`, before the socket is used
    });
    const fail = (error: Error): void => {
      this.#connecting.delete(socket);
      callback(error, socket);
    };
    this.#connecting.add(socket);
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      const problem = pinProblem(socket, pins);
      if (problem !== undefined) return void socket.destroy(problem);
      socket.off("error", fail);
      this.#connecting.delete(socket);
      callback(null, socket);
    });
  }

  /**
   * Ends connections that are not ready yet. No request holds them, so a request that is given up
   * would else wait for them, for ever when the peer never finishes its handshake.
   */
  giveUpConnecting(): void {
    for (const socket of this.#connecting) {
      socket.destroy(new SourceError("ERR_SOURCE_TIMEOUT", "did not answer in time"));
    }
  }

  override destroy(): void {
    this.giveUpConnecting();
    super.destroy();
  }
}

function pinProblem(socket: TLSSocket, pins: readonly string[]): SourceError | undefined {
  if (pins.length === 0) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return new SourceError("ERR_SOURCE_TLS", "shows no certificate");
  if (!pins.includes(certificateSha256(certificate))) {
    // With colons, so that the log does not take it for a secret.
    return new SourceError(
      "ERR_SOURCE_TLS",
      `its certificate is not a pinned one; its SHA-256 is ${certificate.fingerprint256}`,
    );
  }
  const now = Date.now();
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) {
    return new SourceError("ERR_SOURCE_TLS", "its pinned certificate is outside its dates");
  }
  return undefined;
}

/** SHA-256 of a certificate's DER, lower-case hex without colons. */
export function certificateSha256(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}
