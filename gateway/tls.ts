import type { Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { constants, type X509Certificate } from "node:crypto";
import type { Logger } from "../common/log/logger.ts";
import { reloaded, type Reloaded } from "../common/reload.ts";
import { readPair, readPublicFile } from "../common/secretFiles.ts";

/** PEM texts. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Who may sign clients' certificates, where they must show one. */
  readonly ca?: string;
}

export interface TlsFiles {
  readonly certificate_file: string;
  readonly key_file: string;
  readonly client_ca_file?: string | undefined;
}

const clientAuthUsage = "1.3.6.1.5.5.7.3.2";

/** Loads a listener's TLS files and follows their changes; `onChange` gets each new set. */
export function loadServerTls(
  what: string,
  { certificate_file, key_file, client_ca_file }: TlsFiles,
  onChange: (tls: ServerTls) => void,
  log: Logger,
): Promise<Reloaded<ServerTls>> {
  const files = [
    certificate_file,
    key_file,
    ...(client_ca_file === undefined ? [] : [client_ca_file]),
  ];
  const load = async (): Promise<ServerTls> => {
    const { certificate: cert, key } = await readPair(certificate_file, key_file);
    return client_ca_file === undefined
      ? { cert, key }
      : { cert, key, ca: await readPublicFile(client_ca_file) };
  };
  return reloaded({ what, files, load, onChange, log });
}

/** TLS 1.3 only and no resumption: every connection proves its certificate anew. */
export const pushTlsOptions = {
  minVersion: "TLSv1.3",
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** Swaps a listener's certificate without dropping what is under way. */
export function applyTls(server: HttpsServer, tls: ServerTls, options: object = {}): void {
  server.setSecureContext({ ...options, ...tls });
}

/**
 * Whether a client's certificate, which the CA has signed, is a collector's: for client
 * authentication, and with the expected name among its alternative names. Its subject says nothing.
 */
export function isCollectorCertificate(socket: TLSSocket, name: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || !hasUsage(certificate, clientAuthUsage)) return false;
  return certificate.checkHost(name, { subject: "never", wildcards: false }) !== undefined;
}

function hasUsage({ keyUsage }: X509Certificate, usage: string): boolean {
  return (keyUsage as readonly string[] | undefined)?.includes(usage) ?? false;
}

/** Milliseconds that a connection may live: not past its client certificate's end. */
export function untilCertificateEnd(socket: TLSSocket, now: number): number {
  const end = socket.getPeerX509Certificate()?.validToDate.getTime();
  return end === undefined ? Number.POSITIVE_INFINITY : Math.max(0, end - now);
}
