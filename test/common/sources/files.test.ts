import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { beforeAll, expect, test } from "vitest";
import { ConfigError } from "../../../common/errors.ts";
import { createSource } from "../../../common/sources/create.ts";
import { sourceEntry } from "../../../common/sources/entry.ts";
import type { Source } from "../../../common/sources/source.ts";
import { makeAuthority, type Authority, type Identity } from "../../helpers/certificates.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { sendsBytes, startFaultAppliance } from "../../helpers/faultAppliance.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { fetchFrom, openSource, refusalOf } from "../../helpers/sources.ts";

const size = 64;
const bytes = randomBytes(size);
let authority: Authority;
let identity: Identity;
beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
});

/** A source whose files stay the test's. */
function openIn(entry: Readonly<Record<string, unknown>>): Promise<Source> {
  const parsed = sourceEntry.parse({ name: "lab", type: "HttpBytes", ...entry });
  const fetching = { fetch_chunk_size: size, fetch_interval: 0, fetch_timeout: 10_000 };
  return createSource({ ...parsed, ...fetching }, captureLog().log);
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

test("a credential that changes is shown at the next fetch, and wakes who waits for it", async () => {
  await using folder = await makeFolder();
  await replace(folder.at("token"), "first-token");
  await replace(folder.at("ca"), authority.certificate);
  await using server = await startFaultAppliance({ identity });
  const shown: unknown[] = [];
  server.answer((response, request) => {
    shown.push(request.headers.authorization);
    if (request.headers.authorization !== "Bearer second-token") response.writeHead(401).end();
    else sendsBytes(bytes)(response, request);
  });
  const source = await openIn({
    url: server.url,
    ca_file: folder.at("ca"),
    auth_file: folder.at("token"),
  });
  const watched = source.watched ?? expect.fail();
  expect(watched.paths).toEqual([folder.at("ca"), folder.at("token")]);
  const before = watched.revision();
  expect((await refusalOf(fetchFrom(source))).retry).toEqual({ when: "changed" });
  const changed = watched.untilAfter(before, new AbortController().signal);
  await replace(folder.at("token"), "second-token");
  await changed;
  expect(await fetchFrom(source)).toEqual(bytes);
  expect(shown).toEqual(["Bearer first-token", "Bearer second-token"]);
  await watched.untilAfter(before, new AbortController().signal); // what is over is not waited for
  source.close();
});

test("a CA that changes is trusted at once, also where a connection was open", async () => {
  await using folder = await makeFolder();
  const other = await makeAuthority();
  await replace(folder.at("ca"), authority.certificate);
  await using server = await startFaultAppliance({ identity, reply: sendsBytes(bytes) });
  const source = await openIn({ url: server.url, ca_file: folder.at("ca") });
  expect(await fetchFrom(source)).toEqual(bytes);
  await replace(folder.at("ca"), other.certificate);
  const watched = source.watched ?? expect.fail();
  await watched.untilAfter(0, new AbortController().signal);
  expect((await refusalOf(fetchFrom(source))).code).toBe("ERR_SOURCE_TLS");
  await replace(folder.at("ca"), authority.certificate);
  await watched.untilAfter(1, new AbortController().signal);
  expect(await fetchFrom(source)).toEqual(bytes);
  source.close();
});

test("a wait for files ends with its signal, and a source without files has none", async () => {
  await using folder = await makeFolder();
  await replace(folder.at("ca"), authority.certificate);
  const source = await openIn({ url: "https://127.0.0.1:1", ca_file: folder.at("ca") });
  await source.watched?.untilAfter(0, AbortSignal.timeout(10));
  source.close();
  const bare = await openIn({ url: "https://127.0.0.1:1" });
  expect(bare.watched).toBeUndefined();
  bare.close();
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  ["a CA that is none", { ca_file: "hello" }, /ca_file: holds no certificate in PEM$/],
  ["an empty credential", { auth_file: "\n" }, /auth_file: must hold one line of ASCII/],
  ["a credential of two lines", { auth_file: "a\nb" }, /auth_file: must hold one line of ASCII/],
  ["a credential with a letter of another alphabet", { auth_file: "ключ" }, /must hold one line/],
  [
    "a client certificate that is none",
    { client_certificate_file: "x", client_key_file: "y" },
    /client_key_file: hold no certificate and its private key, in PEM$/,
  ],
])("%s is refused at the start, by its file's name", async (_, files, message) => {
  const opening = openSource({ entry: { type: "HttpBytes", url: "https://127.0.0.1:1" }, files });
  await expect(opening).rejects.toThrow(ConfigError);
  await expect(opening).rejects.toThrow(message);
});

test("another key's client certificate is refused, and the key is not quoted", async () => {
  const [one, two] = [await authority.issue(), await authority.issue()];
  const files = { client_certificate_file: one.certificate, client_key_file: two.key };
  const entry = { type: "HttpBytes", url: "https://127.0.0.1:1" };
  const error: unknown = await openSource({ entry, files }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).not.toContain(two.key.slice(40, 60));
});

test("a client certificate is shown to a server that asks, and one that is missing is named", async () => {
  const server = createServer({
    cert: identity.certificate,
    key: identity.key,
    ca: authority.certificate,
    requestCert: true,
  });
  const names: string[] = [];
  server.on("request", (request, response) => {
    names.push((request.socket as TLSSocket).getPeerX509Certificate()?.subject ?? "");
    response.setHeader("content-type", "application/octet-stream").end(bytes);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const entry = {
    type: "HttpBytes",
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch_chunk_size: size,
  };
  const open = (shown: Identity | undefined) =>
    openSource({
      entry,
      files: {
        ca_file: authority.certificate,
        client_certificate_file: shown?.certificate,
        client_key_file: shown?.key,
      },
    });
  {
    await using good = await open(await authority.issue({ subject: "lab", use: "clientAuth" }));
    expect(await fetchFrom(good)).toEqual(bytes);
  }
  expect(names).toEqual(["CN=lab"]);
  await using bare = await open(undefined);
  const error = await refusalOf(fetchFrom(bare));
  expect(error.code).toBe("ERR_SOURCE_TLS");
  expect(error.message).toContain("client_certificate_file and client_key_file");
  server.close();
  await eventually(() => !server.listening);
});
