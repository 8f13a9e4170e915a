import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { errorCode } from "../errors.ts";
import { retryAfter, SourceError } from "./source.ts";

/** What a source's certificate is judged by. */
export interface Trust {
  /** PEM of the CAs that may sign the source's certificate; the system's when undefined. */
  readonly ca: string | undefined;
  /** SHA-256 of the certificates (DER) that the source may show, lower-case hex; any when empty. */
  readonly pins: readonly string[];
}

/**
 * Why a finished handshake's peer is not trusted, or undefined when it is. With pins and no CA
 * (appliances sign their own certificates) the pin is the trust: the exact certificate, still
 * within its dates, and its key proven by the handshake; with both, both must hold.
 */
export function trustProblem(socket: TLSSocket, { ca, pins }: Trust): SourceError | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return new SourceError("ERR_SOURCE_TLS", "shows no certificate");
  const pinned = pins.includes(certificateSha256(certificate));
  if (pins.length > 0 && ca === undefined) {
    return pinned ? datesProblem(certificate) : notPinned(certificate);
  }
  if (!socket.authorized) return notTrusted(certificate, verificationCode(socket), ca);
  return pins.length === 0 || pinned ? undefined : notPinned(certificate);
}

/** SHA-256 of a certificate's DER, lower-case hex without colons. */
export function certificateSha256(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Node gives the code of OpenSSL's verification as a text, though its types call it an Error. */
function verificationCode(socket: TLSSocket): string {
  const reason: unknown = socket.authorizationError;
  const text = typeof reason === "string" ? reason : (errorCode(reason) ?? "");
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(text) ? text : "unknown";
}

function notPinned(certificate: X509Certificate): SourceError {
  return new SourceError(
    "ERR_SOURCE_TLS",
    `its certificate is not a pinned one; ${howToPin(certificate)}`,
  );
}

function notTrusted(
  certificate: X509Certificate,
  code: string,
  ca: string | undefined,
): SourceError {
  const text = `${verificationText(certificate, code, ca)} (${code}); ${howToPin(certificate)}`;
  return new SourceError("ERR_SOURCE_TLS", text);
}

function verificationText(
  certificate: X509Certificate,
  code: string,
  ca: string | undefined,
): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return datesText(certificate);
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "certificate is for another name than the url's host";
    case "INVALID_PURPOSE":
      return "certificate is not for servers";
    default:
      return ca === undefined
        ? "certificate not signed by a CA that this system knows, and no ca_file is given"
        : "certificate not signed by the given CA";
  }
}

function datesProblem(certificate: X509Certificate): SourceError | undefined {
  const now = Date.now();
  if (now >= certificate.validFromDate.getTime() && now <= certificate.validToDate.getTime()) {
    return undefined;
  }
  return new SourceError("ERR_SOURCE_TLS", `pinned ${datesText(certificate)}`);
}

function datesText({ validFromDate, validToDate }: X509Certificate): string {
  return `certificate is outside its dates, ${validFromDate.toISOString()} to ${validToDate.toISOString()}: renew it, or set this machine's clock right`;
}

/** With colons, so that the log does not take it for a secret. */
function howToPin({ fingerprint256 }: X509Certificate): string {
  return `its SHA-256 is ${fingerprint256}: if that is the source's own, pin it with pinned_certificate_sha256s`;
}

/** OpenSSL's codes for what a peer says, or is, that does no TLS as we do. */
const handshakeTexts: readonly (readonly [RegExp, string])[] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/, "speaks no TLS on that port"],
  [/UNSUPPORTED_PROTOCOL|ALERT_PROTOCOL_VERSION/, "knows only versions of TLS below 1.2"],
];
const clientCertificateAlerts =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED)|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)/;

/** What a failed handshake comes from, or undefined when the code is of another kind. */
export function handshakeProblem(code: string, cause: unknown): SourceError | undefined {
  if (!/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/.test(code)) return undefined;
  if (clientCertificateAlerts.test(code)) {
    return new SourceError(
      "ERR_SOURCE_TLS",
      `does not take the client certificate (${code}): client_certificate_file and client_key_file`,
      { cause, retry: retryAfter(60_000) }, // it may be mended at the other end as well
    );
  }
  const known = handshakeTexts.find(([pattern]) => pattern.test(code))?.[1];
  return new SourceError("ERR_SOURCE_TLS", `${known ?? "does not agree on TLS"} (${code})`, {
    cause,
  });
}
