import { createPrivateKey, hash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { SharedValues } from "../sharedValues.ts";
import { subjectOf, usageId, type Leaf, type Pair } from "./authority.ts";

/** A certificate that was read back. */
export interface ReadCertificate {
  /** PEM, as it is written. */
  readonly certificate: string;
  readonly parsed: X509Certificate;
  /** PKCS #8, PEM; undefined where there is none that fits. */
  readonly key: string | undefined;
}

/**
 * What Secrets hold, judged anew each time since anybody may have edited them.
 * @returns undefined for whatever is not exactly one certificate
 */
export function readPair(
  certificate: string | undefined,
  key: string | undefined,
): ReadCertificate | undefined {
  if (certificate?.match(/-----BEGIN /g)?.length !== 1) return undefined;
  try {
    const parsed = new X509Certificate(certificate);
    return { certificate, parsed, key: fits(parsed, key) ? key : undefined };
  } catch {
    return undefined; // OpenSSL's error says nothing that a person could use
  }
}

function fits(certificate: X509Certificate, key: string | undefined): boolean {
  if (key === undefined) return false;
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // not a key
  }
}

/**
 * What was found of certificates, which are public, by the digest of all that it was found from: to
 * check signatures takes more time than all else in a reconcile's decisions. A bridge has four.
 */
const judgements = new SharedValues<boolean>(10_000);

function judge(from: readonly string[], check: () => boolean): boolean {
  return judgements.of(hash("sha256", JSON.stringify(from), "base64url"), check);
}

/** Whether a certificate is a CA of ours by that name. */
export function isAuthority({ certificate, parsed }: ReadCertificate, name: string): boolean {
  return judge(
    [name, certificate],
    () =>
      parsed.ca &&
      parsed.subject === subjectOf(name) &&
      parsed.publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1" &&
      parsed.checkIssued(parsed) &&
      parsed.verify(parsed.publicKey),
  );
}

export function isIssuedBy(leaf: ReadCertificate, authority: ReadCertificate): boolean {
  return judge(
    ["", leaf.certificate, authority.certificate],
    () =>
      leaf.parsed.checkIssued(authority.parsed) && leaf.parsed.verify(authority.parsed.publicKey),
  );
}

/** A pair that can be shown or signed with. */
export function completePair({ certificate, key }: ReadCertificate): Pair | undefined {
  return key === undefined ? undefined : { certificate, key };
}

/** Why a leaf is not what is wanted, in a few words for an event; undefined where it is. */
export function leafFault(
  leaf: ReadCertificate | undefined,
  { usage, names }: Leaf,
  authority: ReadCertificate,
): string | undefined {
  if (leaf === undefined) return "there was none that can be read";
  if (leaf.key === undefined) return "its key was not the certificate's";
  if (!isIssuedBy(leaf, authority)) return "another CA had signed it";
  const usages = leaf.parsed.keyUsage as readonly string[] | undefined;
  if (usages?.length !== 1 || usages[0] !== usageId(usage)) return "it was for another use";
  if (!hasNames(leaf, names)) return "its names have changed";
  return undefined;
}

const exactly = { subject: "never", wildcards: false } as const;

/**
 * Whether it has these names and no others. OpenSSL compares each, and there are no more of them:
 * Node quotes what might look like several, which can only make it look like more.
 */
function hasNames({ parsed }: ReadCertificate, names: readonly string[]): boolean {
  const wanted = new Set(names);
  const found = parsed.subjectAltName?.split(", ") ?? [];
  return (
    found.length === wanted.size &&
    [...wanted].every(
      (name) =>
        (isIP(name) === 0 ? parsed.checkHost(name, exactly) : parsed.checkIP(name)) !== undefined,
    )
  );
}
