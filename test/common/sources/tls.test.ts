import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:tls";
import { beforeAll, expect, test } from "vitest";
import type { SourceError } from "../../../common/sources/source.ts";
import { sourceEntry } from "../../../common/sources/entry.ts";
import { certificateSha256, handshakeProblem } from "../../../common/sources/tlsProblem.ts";
import { X509Certificate } from "node:crypto";
import {
  makeAuthority,
  selfSigned,
  type Authority,
  type Identity,
} from "../../helpers/certificates.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { sendsBytes, startFaultAppliance } from "../../helpers/faultAppliance.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";

const size = 64;
const bytes = randomBytes(size);

let authority: Authority;
let other: Authority;
const identities: Record<string, Identity> = {};
const identityOf = (name: string): Identity => identities[name] ?? expect.fail(name);

beforeAll(async () => {
  [authority, other] = await Promise.all([makeAuthority("CA"), makeAuthority("CA")]);
  const made: Record<string, Promise<Identity>> = {
    good: authority.issue(),
    second: authority.issue(),
    expired: authority.issue({ validFrom: -48 }),
    future: authority.issue({ validFrom: 24 }),
    elsewhere: authority.issue({ names: ["appliance.example", "192.0.2.1"] }),
    nameOnly: authority.issue({ names: ["localhost"] }),
    client: authority.issue({ use: "clientAuth" }),
    self: selfSigned(),
    selfElsewhere: selfSigned({ names: ["appliance.example"] }),
    selfExpired: selfSigned({ validFrom: -48 }),
    selfFuture: selfSigned({ validFrom: 24 }),
  };
  for (const [name, identity] of Object.entries(made)) identities[name] = await identity;
});

/** What the config says of trust, by the names above. */
interface Given {
  readonly ca?: "right" | "wrong" | "own";
  readonly pins?: readonly string[];
}

/** PEM of the CA, and the pins. */
interface Trust {
  readonly ca: string | undefined;
  readonly pins: readonly string[];
}

function trustOf({ ca, pins = [] }: Given, shown: Identity): Trust {
  const texts = { right: authority.certificate, wrong: other.certificate, own: shown.certificate };
  return {
    ca: ca === undefined ? undefined : texts[ca],
    pins: pins.map((name) => identityOf(name).sha256),
  };
}

function sourceOf(url: string, { ca, pins }: Trust): Promise<OpenSource> {
  const entry = { type: "Quantis", url, fetch_chunk_size: size, fetch_timeout: 20_000 };
  return openSource({
    entry: pins.length === 0 ? entry : { ...entry, pinned_certificate_sha256s: pins },
    files: { ca_file: ca },
  });
}

test.each<[string, string, Given]>([
  ["a certificate that the CA signed", "good", { ca: "right" }],
  ["a self-signed certificate as its own CA", "self", { ca: "own" }],
  ["a pinned self-signed certificate", "self", { pins: ["self"] }],
  ["the second of two pins", "self", { pins: ["good", "self"] }],
  [
    "a pinned certificate with another name: its key is what is trusted",
    "selfElsewhere",
    { pins: ["selfElsewhere"] },
  ],
  ["a pinned certificate of the right CA", "good", { ca: "right", pins: ["good"] }],
  ["a pinned certificate whose CA is not given", "good", { pins: ["good"] }],
])("%s is trusted", async (_, shown, given) => {
  const identity = identityOf(shown);
  await using appliance = await startFaultAppliance({ identity, reply: sendsBytes(bytes) });
  await using source = await sourceOf(appliance.url, trustOf(given, identity));
  expect(await fetchFrom(source)).toEqual(bytes);
  expect(appliance.receivedBytes()).toBeGreaterThan(0);
});

test("a name is checked as a name, an address as an address", async () => {
  const identity = identityOf("nameOnly");
  await using appliance = await startFaultAppliance({ identity, reply: sendsBytes(bytes) });
  await using byName = await sourceOf(
    `https://localhost:${appliance.port}`,
    trustOf({ ca: "right" }, identity),
  );
  expect(await fetchFrom(byName)).toEqual(bytes);
  const error = await refusedBy(appliance.url, trustOf({ ca: "right" }, identity));
  expect(error.code).toBe("ERR_SOURCE_TLS");
});

test.each<[string, string, Given, RegExp]>([
  ["a self-signed certificate", "self", {}, /DEPTH_ZERO_SELF_SIGNED_CERT/],
  ["a CA that the system does not know", "good", {}, /UNABLE_TO/],
  [
    "a certificate of another CA of the same name",
    "good",
    { ca: "wrong" },
    /CERT_SIGNATURE_FAILURE|UNABLE_TO/,
  ],
  [
    "a self-signed certificate where a CA is asked for",
    "self",
    { ca: "right" },
    /SELF_SIGNED|UNABLE_TO/,
  ],
  ["an expired certificate", "expired", { ca: "right" }, /CERT_HAS_EXPIRED/],
  ["a certificate of the future", "future", { ca: "right" }, /CERT_NOT_YET_VALID/],
  ["a certificate for another name", "elsewhere", { ca: "right" }, /ERR_TLS_CERT_ALTNAME_INVALID/],
  ["a certificate for clients", "client", { ca: "right" }, /PURPOSE/],
  ["a certificate that is not the pinned one", "self", { pins: ["good"] }, /not a pinned one/],
  [
    "another certificate of the same CA than the pinned one",
    "second",
    { pins: ["good"] },
    /not a pinned one/,
  ],
  ["an expired pinned certificate", "selfExpired", { pins: ["selfExpired"] }, /outside its dates/],
  [
    "a pinned certificate of the future",
    "selfFuture",
    { pins: ["selfFuture"] },
    /outside its dates/,
  ],
  [
    "a pinned certificate of a wrong CA",
    "good",
    { ca: "wrong", pins: ["good"] },
    /not signed by the given CA/,
  ],
  [
    "a pinned certificate of the right CA, expired",
    "expired",
    { ca: "right", pins: ["expired"] },
    /CERT_HAS_EXPIRED/,
  ],
  [
    "a pinned certificate of the right CA, elsewhere",
    "elsewhere",
    { ca: "right", pins: ["elsewhere"] },
    /ALTNAME/,
  ],
  ["the right CA and a wrong pin", "good", { ca: "right", pins: ["self"] }, /not a pinned one/],
])("%s is not trusted, and no byte of a request reaches it", async (_, shown, given, message) => {
  const identity = identityOf(shown);
  const trust = trustOf(given, identity);
  await using appliance = await startFaultAppliance({ identity, reply: sendsBytes(bytes) });
  const error = await refusedBy(appliance.url, trust);
  expect(error.code).toBe("ERR_SOURCE_TLS");
  expect(error.message).toMatch(message);
  expect(appliance.requests).toEqual([]);

  // The same again on bare TLS, where every byte that comes through it is seen.
  await using peer = await startPeer(identity);
  expect((await refusedBy(peer.url, trust)).code).toBe("ERR_SOURCE_TLS");
  expect(peer.received()).toBe(0);
});

test("the bare TLS peer of those tests does see what a trusted one is sent", async () => {
  const identity = identityOf("good");
  await using peer = await startPeer(identity);
  expect((await refusedBy(peer.url, trustOf({ ca: "right" }, identity))).code).not.toBe(
    "ERR_SOURCE_TLS",
  );
  expect(peer.received()).toBeGreaterThan(100);
});

test("TLS 1.1 is refused", async () => {
  await using peer = await startPeer(identityOf("good"), "TLSv1.1");
  const error = await refusedBy(peer.url, trustOf({ ca: "right" }, identityOf("good")));
  expect(error.code).toBe("ERR_SOURCE_TLS");
  expect(peer.received()).toBe(0);
});

test("the log shows the digest of a certificate that is not pinned, to be compared and pinned", async () => {
  const identity = identityOf("self");
  await using peer = await startPeer(identity);
  const error = await refusedBy(peer.url, trustOf({ pins: ["good"] }, identity));
  const captured = captureLog();
  captured.log.warn({ error }, "source gives no bytes");
  const [line] = captured.lines() as [{ error: { message: string } }];
  expect(line.error.message.replaceAll(":", "").toLowerCase()).toContain(identity.sha256);
});

test.each<[string, Given, RegExp]>([
  [
    "self",
    {},
    /^certificate not signed by a CA that this system knows, and no ca_file is given \(/,
  ],
  ["self", { ca: "right" }, /^certificate not signed by the given CA \(/],
  ["expired", { ca: "right" }, /^certificate is outside its dates, \S+Z to \S+Z: renew it/],
  ["elsewhere", { ca: "right" }, /^certificate is for another name than the url's host \(/],
  ["client", { ca: "right" }, /^certificate is not for servers \(/],
  ["self", { pins: ["good"] }, /^its certificate is not a pinned one; /],
])("what is wrong with %s is said, with the digest to pin: %j", async (shown, given, message) => {
  const identity = identityOf(shown);
  await using peer = await startPeer(identity);
  const error = await refusedBy(peer.url, trustOf(given, identity));
  expect(error.message).toMatch(message);
  expect(error.retry).toEqual({ when: "soon" });
  const captured = captureLog();
  captured.log.warn({ error }, "source gives no bytes");
  const [line] = captured.lines() as [{ error: { message: string } }];
  expect(line.error.message).toBe(error.message); // nothing of it is masked
  const [, digest] =
    /its SHA-256 is ([0-9A-F:]{95}): .* pinned_certificate_sha256s/.exec(error.message) ??
    expect.fail(error.message);
  expect(digest?.replaceAll(":", "").toLowerCase()).toBe(identity.sha256);

  // As it is shown, it can be pinned.
  const entry = { name: "a", type: "Quantis", url: peer.url };
  const pinned = { ...entry, pinned_certificate_sha256s: [digest] };
  expect(sourceEntry.safeParse(pinned).success).toBe(true);
});

test("plain HTTP on the port is said to be no TLS", async () => {
  const server = createHttpServer((_, response) => void response.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const error = await refusedBy(url, trustOf({ ca: "right" }, identityOf("good")));
  expect(error.code).toBe("ERR_SOURCE_TLS");
  expect(error.message).toMatch(/^speaks no TLS on that port \(/);
  server.close();
});

test.each<[string, string | undefined]>([
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "client_certificate_file"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "client_certificate_file"],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "client_certificate_file"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "below 1.2"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "no TLS"],
  ["EPROTO", "does not agree on TLS (EPROTO)"],
  ["ECONNREFUSED", undefined],
])("%s", (code, text) => {
  const problem = handshakeProblem(code, new Error("x"));
  if (text === undefined) expect(problem).toBeUndefined();
  else expect(problem?.message).toContain(text);
});

test("the digest is that of the DER", () => {
  const { certificate, sha256 } = identityOf("self");
  expect(certificateSha256(new X509Certificate(certificate))).toBe(sha256);
});

async function refusedBy(url: string, trust: Trust): Promise<SourceError> {
  await using source = await sourceOf(url, trust);
  return await refusalOf(fetchFrom(source));
}

/** Bare TLS that counts what comes through, then ends. */
async function startPeer(
  { certificate, key }: Identity,
  maxVersion: "TLSv1.1" | "TLSv1.3" = "TLSv1.3",
) {
  let received = 0;
  let connections = 0;
  const closed = Promise.withResolvers<void>();
  const ciphers = "DEFAULT@SECLEVEL=0"; // TLS 1.1 needs it
  const server = createServer({ cert: certificate, key, minVersion: "TLSv1", maxVersion, ciphers });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      socket.end();
    });
  });
  server.on("tlsClientError", () => undefined);
  server.on("connection", (socket) => {
    connections += 1;
    socket.on("error", () => undefined).on("close", () => closed.resolve());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => {
      expect(connections).toBeGreaterThan(0);
      return received;
    },
    [Symbol.asyncDispose]: async () => {
      await closed.promise;
      server.close();
    },
  };
}
