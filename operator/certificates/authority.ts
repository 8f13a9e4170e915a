import "reflect-metadata"; // what @peculiar/x509 is built on; has to come first
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert } from "@peculiar/asn1-schema";
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from "@peculiar/asn1-x509";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const nameConstraintsId = "2.5.29.30"; // RFC 5280, section 4.2.1.10

export interface Pair {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A certificate authority that signs leaves and no other authority. */
export interface NewAuthority extends Validity {
  /** For people who look at the certificate. */
  readonly name: string;
  /** Whoever trusts it accepts no other host names from it; any when undefined. */
  readonly permittedNames?: readonly string[] | undefined;
}

export interface Leaf {
  readonly usage: "server" | "client";
  /** Host names and IP addresses that it is good for. */
  readonly names: readonly string[];
}

/** A self-signed CA: ECDSA P-256, path length 0, as RFC 5280 profiles it. */
export async function createAuthority(wanted: NewAuthority): Promise<Pair> {
  const { name, permittedNames, notBefore, notAfter } = wanted;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    notBefore,
    notAfter,
    serialNumber: makeSerial(),
    name: subjectOf(name),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(permittedNames === undefined ? [] : [nameConstraints(permittedNames)]),
    ],
  });
  return writePair(certificate, keys.privateKey);
}

/** What a CA of that name has as its subject, which is all that a chain is matched by. */
export function subjectOf(name: string): string {
  return `CN=${name}`;
}

/** A leaf with a key of its own. Its subject is empty: names are in the alternative names only. */
export async function issueLeaf(
  authority: Pair,
  { usage, names }: Leaf,
  { notBefore, notAfter }: Validity,
): Promise<Pair> {
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    notBefore,
    notAfter,
    serialNumber: makeSerial(),
    subject: "",
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usageId(usage)]),
      alternativeNames(names),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return writePair(certificate, keys.privateKey);
}

export function usageId(usage: Leaf["usage"]): string {
  return usage === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
}

/** Critical, as RFC 5280 (4.2.1.6) has it where the subject is empty. In one order, to compare. */
function alternativeNames(names: readonly string[]): SubjectAlternativeNameExtension {
  const sorted = [...new Set(names)].sort();
  const general = sorted.map((value): JsonGeneralName => ({
    type: isIP(value) === 0 ? "dns" : "ip",
    value,
  }));
  return new SubjectAlternativeNameExtension(general, true);
}

function nameConstraints(names: readonly string[]): Extension {
  const permittedSubtrees = new GeneralSubtrees(
    names.map((dNSName) => new GeneralSubtree({ base: new GeneralName({ dNSName }) })),
  );
  const value = AsnConvert.serialize(new NameConstraints({ permittedSubtrees }));
  return new Extension(nameConstraintsId, true, value);
}

async function writePair(certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<Pair> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}

/** Positive, 128 bits, never with a leading zero byte. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}
