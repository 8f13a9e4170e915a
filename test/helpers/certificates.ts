import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const hour = 3_600_000;

/** What a TLS end shows. */
export interface Identity {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** Of the certificate's DER, lower-case hex. */
  readonly sha256: string;
}

export interface Wanted {
  /** The subject's CN. */
  readonly subject?: string;
  /** The subject's O, which Kubernetes reads as a group. */
  readonly organization?: string;
  /** DNS names and IP addresses; 127.0.0.1 and localhost when left out, no extension when empty. */
  readonly names?: readonly string[];
  /** Hours from now; may be below zero. */
  readonly validFrom?: number;
  readonly validFor?: number;
  /** `none`: no extended key usage at all. */
  readonly use?: "serverAuth" | "clientAuth" | "none";
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  issue(wanted?: Wanted): Promise<Identity>;
}

/** A throw-away CA. */
export async function makeAuthority(name = "test CA"): Promise<Authority> {
  const keys = await makeKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    serialNumber: serial(),
    ...dates({}),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  const issue = async (wanted: Wanted = {}): Promise<Identity> => {
    const own = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: subject(wanted),
      issuer: ca.subject,
      serialNumber: serial(),
      ...dates(wanted),
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: extensions(wanted),
    });
    return identity(certificate, own.privateKey);
  };
  return { certificate: ca.toString("pem"), issue };
}

/** A certificate that vouches for itself, as appliances have them. */
export async function selfSigned(wanted: Wanted = {}): Promise<Identity> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=appliance",
    serialNumber: serial(),
    ...dates(wanted),
    keys,
    signingAlgorithm: algorithm,
    extensions: extensions(wanted),
  });
  return identity(certificate, keys.privateKey);
}

function subject({ subject = "test", organization }: Wanted): x509.JsonName {
  return [{ CN: [subject] }, ...(organization === undefined ? [] : [{ O: [organization] }])];
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** 16 random bytes, positive. */
function serial(): string {
  return `00${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString("hex")}`;
}

function dates({ validFrom = -1, validFor = 24 }: Wanted): { notBefore: Date; notAfter: Date } {
  const notBefore = Date.now() + validFrom * hour;
  return { notBefore: new Date(notBefore), notAfter: new Date(notBefore + validFor * hour) };
}

function extensions({
  names = ["127.0.0.1", "localhost"],
  use = "serverAuth",
}: Wanted): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(use === "none" ? [] : [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use]])]),
    ...(names.length === 0
      ? []
      : [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
          ),
        ]),
  ];
}

async function identity(certificate: x509.X509Certificate, key: CryptoKey): Promise<Identity> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  return {
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
    sha256: Buffer.from(await certificate.getThumbprint("SHA-256")).toString("hex"),
  };
}
