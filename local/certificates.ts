import "reflect-metadata"; // what @peculiar/x509 is built on; has to come first
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Short, since nothing renews them but the next start; an hour back, for clocks that are behind. */
const lifeMilliseconds = 30 * 86_400_000;
const backMilliseconds = 3_600_000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate authority that is gone when the process ends: its key is never written. */
export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  issue(leaf: Leaf): Promise<Pair>;
}

export interface Leaf {
  readonly usage: "server" | "client";
  /** Host names and IP addresses that it is good for. */
  readonly names: readonly string[];
}

export interface Pair {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
}

/** @param name for people who look at the certificate */
export async function createAuthority(name: string, now = Date.now()): Promise<Authority> {
  // Not extractable: not even this process could write the key.
  const keys = await webcrypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const dates = {
    notBefore: new Date(now - backMilliseconds),
    notAfter: new Date(now + lifeMilliseconds),
  };
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...dates,
    serialNumber: makeSerial(),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  const issue = async ({ usage, names }: Leaf): Promise<Pair> => {
    const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.create({
      ...dates,
      serialNumber: makeSerial(),
      subject: "", // names are in the alternative names only
      issuer: authority.subject,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([
          usage === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth,
        ]),
        new SubjectAlternativeNameExtension(
          [...new Set(names)].map(alternativeName),
          true, // as RFC 5280 has it where the subject is empty
        ),
        await AuthorityKeyIdentifierExtension.create(authority.publicKey),
        await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
      ],
    });
    const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
    return {
      certificate: `${certificate.toString("pem")}\n`,
      key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
    };
  };
  return { certificate: `${authority.toString("pem")}\n`, issue };
}

function alternativeName(value: string): JsonGeneralName {
  return { type: isIP(value) === 0 ? "dns" : "ip", value };
}

/** Positive, 128 bits, never with a leading zero byte. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}
