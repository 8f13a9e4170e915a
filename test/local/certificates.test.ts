import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import type { TlsOptions } from "node:tls";
import { expect, test } from "vitest";
import { createAuthority } from "../../local/certificates.ts";
import type { Pair } from "../../operator/certificates/authority.ts";
import { writeApplianceTrust, writeBridgeTrust } from "../../local/trust.ts";
import { makeFolder } from "../helpers/folder.ts";
import { handshake } from "../helpers/handshake.ts";
import { makeBridge } from "../operator/bridges.ts";

const collector = "collector.lab-bridge.physics.qrngbridge.internal";

const asServer = ({ certificate, key }: Pair): TlsOptions => ({ cert: certificate, key });

test("a server's certificate is good for its names, and only under its CA", async () => {
  const authority = await createAuthority("one");
  const other = await createAuthority("two");
  const pair = await authority.issue({ usage: "server", names: ["127.0.0.1", "localhost"] });
  const server = asServer(pair);
  expect(await handshake(server, { ca: authority.certificate })).toBe("no client certificate");
  expect(await handshake(server, { ca: authority.certificate, host: "localhost" })).toBe(
    "no client certificate",
  );
  expect(await handshake(server, { ca: authority.certificate, host: "example.com" })).toBe(
    "ERR_TLS_CERT_ALTNAME_INVALID",
  );
  expect(await handshake(server, { ca: other.certificate })).toMatch(/SELF_SIGNED|UNABLE_TO/);
});

test("a client's certificate opens a server that asks for one; a server's does not", async () => {
  const servers = await createAuthority("servers");
  const clients = await createAuthority("clients");
  const server = {
    ...asServer(await servers.issue({ usage: "server", names: ["127.0.0.1"] })),
    requestCert: true,
    ca: clients.certificate,
  };
  const ca = servers.certificate;
  const pair = await clients.issue({ usage: "client", names: [collector] });
  expect(await handshake(server, { ca, pair })).toBe(`DNS:${collector}`);
  const wrongUse = await clients.issue({ usage: "server", names: [collector] });
  expect(await handshake(server, { ca, pair: wrongUse })).not.toContain("DNS:");
  const wrongAuthority = await servers.issue({ usage: "client", names: [collector] });
  expect(await handshake(server, { ca, pair: wrongAuthority })).not.toContain("DNS:");
});

test("certificates begin an hour back and end within 31 days; each has its own number", async () => {
  const now = Date.now();
  const authority = await createAuthority("one", now);
  const leaves = await Promise.all(
    [1, 2].map(() => authority.issue({ usage: "server", names: ["localhost"] })),
  );
  const parsed = [authority, ...leaves].map(({ certificate }) => new X509Certificate(certificate));
  expect(new Set(parsed.map(({ serialNumber }) => serialNumber)).size).toBe(3);
  for (const { validFromDate, validToDate } of parsed) {
    expect(now - validFromDate.getTime()).toBeGreaterThan(3_500_000);
    expect(validToDate.getTime()).toBeGreaterThan(now + 7 * 86_400_000);
    expect(validToDate.getTime()).toBeLessThan(now + 31 * 86_400_000);
  }
  const [ca, leaf] = parsed;
  expect(ca!.ca).toBe(true);
  expect(leaf!.ca).toBe(false);
  expect(leaf!.verify(ca!.publicKey)).toBe(true);
});

test("a bridge with TLS gets two CAs and two leaves, and no CA's key is written", async () => {
  await using folder = await makeFolder();
  const trust = await writeBridgeTrust(folder.path, makeBridge({ tls: {} }));
  expect((await readdir(folder.path)).sort()).toEqual([
    "ca-collectors.pem",
    "ca-servers.pem",
    "collector.key",
    "collector.pem",
    "gateway.key",
    "gateway.pem",
  ]);
  const read = (path: string) => readFile(path, "utf8");
  const pairOf = async (files: { certificateFile: string; keyFile: string }): Promise<Pair> => ({
    certificate: await read(files.certificateFile),
    key: await read(files.keyFile),
  });
  const server = {
    ...asServer(await pairOf(trust.gateway)),
    requestCert: true,
    ca: await read(trust.gateway.clientCaFile),
  };
  const client = { ca: await read(trust.collector.caFile), pair: await pairOf(trust.collector) };
  expect(await handshake(server, client)).toBe(`DNS:${collector}`);
});

test("a bridge without TLS gets no certificates, one without simulated sources no appliance's", async () => {
  await using folder = await makeFolder();
  await writeBridgeTrust(folder.path, makeBridge());
  expect(await writeApplianceTrust(folder.path, [])).toEqual({ caFiles: {}, pairs: new Map() });
  expect(await readdir(folder.path)).toEqual([]);
});
