import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { issueLeaf, type Leaf } from "../../../operator/certificates/authority.ts";
import type { Chain } from "../../../operator/certificates/chain.ts";
import { errorCode } from "../../../common/errors.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { handshake } from "../../helpers/handshake.ts";
import { clientSpec, collector, look, serverSpec } from "./helpers.ts";

const run = promisify(execFile);

function pairOf(chain: Chain, leaf: string) {
  const { "tls.crt": certificate, "tls.key": key } = chain.leaves[leaf]!;
  return { certificate, key };
}

/** A certificate that the chain's CA signs although nobody asked it to. */
function misuse(chain: Chain, leaf: Leaf) {
  const { "ca.crt": certificate, "ca.key": key } = chain.authority;
  const day = 86_400_000;
  return issueLeaf({ certificate: certificate!, key: key! }, leaf, {
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
  });
}

const servers = await look(undefined, 0, serverSpec);
const clients = await look(undefined, 0, clientSpec);
const gateway = pairOf(servers, "gateway");
const mutual: TlsOptions = {
  cert: gateway.certificate,
  key: gateway.key,
  requestCert: true,
  rejectUnauthorized: true,
  ca: clients.bundle,
};
const ca = servers.bundle;

test.each(["gateway.physics.svc", "localhost", undefined])(
  "a server proves to be %s",
  async (host) => {
    const client = { ca, pair: pairOf(clients, "collector"), ...(host && { host }) };
    expect(await handshake(mutual, client)).toBe(`DNS:${collector}`);
  },
);

test("a name that the leaf does not have, and a CA of the other chain, are refused", async () => {
  const pair = pairOf(clients, "collector");
  const wrongName = { ca, host: "gateway.other.svc", pair };
  expect(await handshake(mutual, wrongName)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(await handshake(mutual, { ca: clients.bundle, pair })).toMatch(/SELF_SIGNED|UNABLE_TO/);
  expect(await handshake(mutual, { ca, pair: gateway })).not.toContain("DNS:");
});

test("the collectors' CA is worthless for every other name", async () => {
  const usage = "client";
  const other = await misuse(clients, { usage, names: ["collector.other.physics.example"] });
  expect(await handshake(mutual, { ca, pair: other })).not.toContain("DNS:");
  const same = await misuse(clients, { usage, names: [collector] });
  expect(await handshake(mutual, { ca, pair: same })).toBe(`DNS:${collector}`);
});

test("certificates are what RFC 5280 profiles, each with a number of its own", () => {
  const pems = [servers.bundle, clients.bundle, gateway.certificate];
  const parsed = pems.map((pem) => new X509Certificate(pem));
  for (const { serialNumber } of parsed) expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(new Set(parsed.map(({ serialNumber }) => serialNumber)).size).toBe(3);
  const [authority, , leaf] = parsed;
  expect(authority!.ca).toBe(true);
  expect(leaf).toMatchObject({ ca: false, keyUsage: ["1.3.6.1.5.5.7.3.1"] });
  expect(leaf!.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
});

test("OpenSSL's strict rules find nothing wrong", async (context) => {
  await using folder = await makeFolder();
  for (const [chain, leaf, purpose] of [
    [servers, "gateway", "sslserver"],
    [clients, "collector", "sslclient"],
  ] as const) {
    const files = { ca: join(folder.path, "ca.pem"), leaf: join(folder.path, "leaf.pem") };
    await writeFile(files.ca, chain.bundle);
    await writeFile(files.leaf, pairOf(chain, leaf).certificate);
    const options = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", files.ca];
    try {
      const { stdout } = await run("openssl", [...options, files.leaf]);
      expect(stdout).toBe(`${files.leaf}: OK\n`);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      context.skip("openssl is not installed");
    }
  }
});
