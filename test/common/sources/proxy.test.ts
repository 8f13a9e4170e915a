import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Retry } from "../../../common/sources/source.ts";
import { makeAuthority, type Authority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  sendsBytes,
  startFaultAppliance,
  type FaultAppliance,
} from "../../helpers/faultAppliance.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";

const size = 64;
const bytes = randomBytes(size);
const token = "a-token-of-this-test-only-02";

let authority: Authority;
let appliance: FaultAppliance;
let proxy: Server;
let sockets: Set<Socket>;
/** What the proxy was asked, and all that came through it, as it saw it. */
let asked: IncomingMessage[];
let seen: Buffer[];

beforeAll(async () => {
  authority = await makeAuthority();
});
beforeEach(async () => {
  appliance = await startFaultAppliance({
    identity: await authority.issue(),
    reply: sendsBytes(bytes),
  });
  [asked, seen, sockets] = [[], [], new Set()];
  proxy = createServer();
  proxy.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
afterEach(async () => {
  proxy.close();
  for (const socket of sockets) socket.destroy();
  await appliance[Symbol.asyncDispose]();
});

/** Leads to where it is asked to. */
function leadOn(): void {
  proxy.on("connect", (request, client: Socket) => {
    asked.push(request);
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.on("data", (chunk: Buffer) => seen.push(chunk));
      target.on("data", (chunk: Buffer) => seen.push(chunk));
      client.pipe(target).pipe(client);
    });
    target.on("error", () => client.destroy());
    client.on("close", () => target.destroy());
  });
}

function open(
  files: Readonly<Record<string, string>> = {},
  entry: object = {},
): Promise<OpenSource> {
  const { port } = proxy.address() as AddressInfo;
  return openSource({
    entry: {
      type: "HttpBytes",
      url: appliance.url,
      proxy_url: `http://127.0.0.1:${port}`,
      fetch_chunk_size: size,
      ...entry,
    },
    files: { ca_file: authority.certificate, auth_file: token, ...files },
  });
}

test("leads to the source, and sees neither the credential nor the bytes", async () => {
  leadOn();
  await using source = await open();
  for (let round = 0; round < 3; round++) expect(await fetchFrom(source)).toEqual(bytes);
  expect(asked.length).toBe(1); // one tunnel serves all
  expect(asked[0]?.url).toBe(`127.0.0.1:${appliance.port}`);
  expect(asked[0]?.headers["proxy-authorization"]).toBeUndefined();
  expect(JSON.stringify(asked[0]?.headers)).not.toContain(token);
  const through = Buffer.concat(seen);
  expect(through.length).toBeGreaterThan(1000);
  expect(through.includes(token)).toBe(false);
  expect(through.includes(bytes)).toBe(false);
});

test("gets its own credential, which the source does not get", async () => {
  leadOn();
  let headers = "";
  appliance.answer((response, request) => {
    headers = JSON.stringify(request.headers);
    sendsBytes(bytes)(response, request);
  });
  await using source = await open({ proxy_auth_file: "me:secret" });
  await fetchFrom(source);
  expect(asked[0]?.headers["proxy-authorization"]).toBe(`Basic ${btoa("me:secret")}`);
  expect(headers).not.toContain("proxy-authorization");
});

test("the source's certificate is judged at the end of it as without", async () => {
  leadOn();
  const other = await makeAuthority();
  await using source = await open({ ca_file: other.certificate });
  expect((await refusalOf(fetchFrom(source))).code).toBe("ERR_SOURCE_TLS");
  expect(appliance.requests).toEqual([]);
});

test.each<[string, string, RegExp, Retry["when"]]>([
  ["407", "HTTP/1.1 407 x\r\n\r\n", /wants another credential \(407\): proxy_auth_file/, "changed"],
  ["403", "HTTP/1.1 403 x\r\n\r\n", /forbids the source's address/, "later"],
  ["502", "HTTP/1.1 502 x\r\n\r\n", /answers with status 502/, "soon"],
  ["302", "HTTP/1.1 302 x\r\nlocation: /\r\n\r\n", /answers with status 302/, "soon"],
  ["bytes of its own", "HTTP/1.1 200 x\r\n\r\nhello", /adds bytes of its own/, "soon"],
  ["no HTTP", "220 mail ready\r\n\r\n", /cannot be reached \(HPE_/, "soon"],
])("%s of the proxy is told as the proxy's", async (_, answer, message, when) => {
  proxy.on("connect", (_request, client: Socket) => client.end(answer));
  await using source = await open();
  const error = await refusalOf(fetchFrom(source));
  expect(error.code).toBe("ERR_SOURCE_UNREACHABLE");
  expect(error.message).toMatch(message);
  expect(error.message).toContain("its proxy");
  expect(error.retry.when).toBe(when);
});

test("a proxy that never answers ends with the fetch's time, and keeps no connection", async () => {
  proxy.on("connect", (_request, client: Socket) => {
    client.resume().on("end", () => client.destroy());
  });
  await using source = await open({}, { fetch_timeout: 200 });
  expect((await refusalOf(fetchFrom(source))).code).toBe("ERR_SOURCE_TIMEOUT");
  await eventually(() => sockets.size === 0);
});

test("a proxy that is not there", async () => {
  const entry = { proxy_url: "http://127.0.0.1:1" };
  await using source = await open({}, entry);
  const error = await refusalOf(fetchFrom(source));
  expect(error.message).toBe("its proxy cannot be reached (ECONNREFUSED)");
});
