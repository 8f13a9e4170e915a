import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { ConfigError } from "./errors.ts";
import { readPair, readPublicFile } from "./secretFiles.ts";

/** What a TLS client shows a server that asks for a certificate, PEM. */
export interface ClientPair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * A client certificate and its key; undefined where neither file is named.
 * @throws ConfigError when a file cannot be read, or the two do not belong together: found now, not in
 * a handshake that fails for no reason that anybody can see
 */
export async function readClientPair(
  certificateFile: string | undefined,
  keyFile: string | undefined,
): Promise<ClientPair | undefined> {
  if (certificateFile === undefined || keyFile === undefined) return undefined;
  const pair = await readPair(certificateFile, keyFile);
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key });
    return pair;
  } catch {
    // no cause: OpenSSL's could tell of the key
    throw new ConfigError(
      `${certificateFile}, ${keyFile}: hold no certificate and its private key, in PEM`,
    );
  }
}

/**
 * The CAs that may sign a server's certificate, PEM; undefined where no file is named.
 * @throws ConfigError when it cannot be read or holds none
 */
export async function readAuthorities(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const pem = await readPublicFile(path);
  try {
    new X509Certificate(pem);
    return pem;
  } catch {
    throw new ConfigError(`${path}: holds no certificate in PEM`); // no cause: it could be a key
  }
}
