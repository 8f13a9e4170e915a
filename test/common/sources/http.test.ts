import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Retry, SourceErrorCode } from "../../../common/sources/source.ts";
import { makeAuthority, type Authority, type Identity } from "../../helpers/certificates.ts";
import {
  sends,
  sendsBytes,
  startFaultAppliance,
  type FaultAppliance,
  type Reply,
} from "../../helpers/faultAppliance.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";

const size = 96;
const bytes = randomBytes(size);
const token = "a-token-of-this-test-only-01";

let authority: Authority;
let identity: Identity;
let server: FaultAppliance;
beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
});
beforeEach(async () => {
  server = await startFaultAppliance({ identity });
});
afterEach(() => server[Symbol.asyncDispose]());

function open(entry: object, credential?: string): Promise<OpenSource> {
  return openSource({
    entry: { url: `${server.url}/random?size={bytes}`, fetch_chunk_size: size, ...entry },
    files: { ca_file: authority.certificate, auth_file: credential },
  });
}

/** Answers, and keeps the headers of what was asked. */
function listen(reply: Reply): IncomingHttpHeaders[] {
  const seen: IncomingHttpHeaders[] = [];
  server.answer((response, request) => {
    seen.push(request.headers);
    reply(response, request);
  });
  return seen;
}

describe("HttpBytes", () => {
  test("asks for as many bytes as it wants, and no cached or compressed ones", async () => {
    const headers = listen(sendsBytes(bytes));
    await using source = await open({ type: "HttpBytes" });
    expect(await fetchFrom(source)).toEqual(bytes);
    expect(server.requests).toEqual([`GET /random?size=${size}`]);
    expect(headers[0]).toEqual({
      "accept-encoding": "identity",
      "cache-control": "no-store",
      "user-agent": "qrng-bridge",
      host: server.url.replace("https://", ""),
      connection: "keep-alive",
    });
  });

  test.each([
    ["{bytes}", `/${size}`],
    ["v1/{bytes}/raw?again={bytes}&x=%20", `/v1/${size}/raw?again=${size}&x=%20`],
    ["fixed", "/fixed"],
  ])("%s", async (path, asked) => {
    server.answer(sendsBytes(bytes));
    await using source = await open({ type: "HttpBytes", url: `${server.url}/${path}` });
    await fetchFrom(source);
    expect(server.requests).toEqual([`GET ${asked}`]);
  });

  test("shows its token as a bearer's, or as it is in the header that is named", async () => {
    const headers = listen(sendsBytes(bytes));
    await using bearer = await open({ type: "HttpBytes" }, `${token}\n`);
    await fetchFrom(bearer);
    await using named = await open({ type: "HttpBytes", auth_header: "X-Api-Key" }, token);
    await fetchFrom(named);
    expect(headers.map((all) => [all.authorization, all["x-api-key"]])).toEqual([
      [`Bearer ${token}`, undefined],
      [undefined, token],
    ]);
  });

  test.each<[string, SourceErrorCode, Retry["when"], Reply]>([
    ["a page", "ERR_SOURCE_FORMAT", "soon", sends("text/html", "<html>")],
    ["a page as bytes", "ERR_SOURCE_FORMAT", "soon", sendsBytes(Buffer.from("<!doctype html><p>"))],
    ["JSON", "ERR_SOURCE_FORMAT", "soon", sends("application/json", "[1]")],
    ["no type", "ERR_SOURCE_FORMAT", "soon", (response) => void response.end(bytes)],
    ["text", "ERR_SOURCE_FORMAT", "soon", sends("text/plain", bytes)],
    ["a byte less", "ERR_SOURCE_LENGTH", "soon", sendsBytes(bytes.subarray(1))],
    ["a byte more", "ERR_SOURCE_LENGTH", "soon", sendsBytes(randomBytes(size + 1))],
    ["one byte all over", "ERR_SOURCE_REPEATED", "soon", sendsBytes(Buffer.alloc(size, 1))],
    ["400", "ERR_SOURCE_STATUS", "changed", sends("text/plain", "no", 400)],
    ["401", "ERR_SOURCE_CREDENTIAL", "changed", sends("text/plain", "no", 401)],
    ["403", "ERR_SOURCE_CREDENTIAL", "later", sends("text/plain", "no", 403)],
    ["404", "ERR_SOURCE_STATUS", "soon", sends("text/plain", "no", 404)],
    ["418", "ERR_SOURCE_STATUS", "soon", sends("text/plain", "no", 418)],
    ["429", "ERR_SOURCE_LIMIT", "later", sends("text/plain", "no", 429)],
    ["500", "ERR_SOURCE_STATUS", "soon", sends("text/plain", "no", 500)],
    ["503", "ERR_SOURCE_STATUS", "soon", sends("text/plain", "no", 503)],
    ["a wait in seconds", "ERR_SOURCE_STATUS", "later", waits("7")],
    ["a wait as a date", "ERR_SOURCE_STATUS", "later", waits("Thu, 01 Jan 2099 00:00:00 GMT")],
    ["a wait that is none", "ERR_SOURCE_STATUS", "soon", waits("a while")],
    [
      "headers above all measure",
      "ERR_SOURCE_UNREACHABLE",
      "soon",
      (response) => void response.writeHead(200, { x: "y".repeat(40_000) }).end(bytes),
    ],
  ])("%s: %s", async (_, code, when, reply) => {
    server.answer(reply);
    await using source = await open({ type: "HttpBytes" }, token);
    const error = await refusalOf(fetchFrom(source));
    expect([error.code, error.retry.when]).toEqual([code, when]);
    expect(error.message).not.toContain(token);
    expect(server.requests.length).toBe(1);
  });
});

function waits(header: string): Reply {
  return (response) => void response.writeHead(503, { "retry-after": header }).end();
}

describe("HttpJson", () => {
  test.each<[string, object, unknown]>([
    ["a list of numbers", { encoding: "array", path: "data" }, { data: [...bytes] }],
    ["a list that is all", { encoding: "array" }, [...bytes]],
    ["hex deep inside", { encoding: "hex", path: "a[1].b" }, { a: [0, { b: hexOf(bytes) }] }],
    ["base64", { encoding: "base64", path: "bytes" }, { bytes: bytes.toString("base64") }],
    [
      "texts in a row",
      { encoding: "hex", path: "data" },
      { data: [hexOf(bytes.subarray(0, 9)), hexOf(bytes.subarray(9))] },
    ],
  ])("reads %s", async (_, entry, value) => {
    server.answer(sends("application/json", JSON.stringify(value)));
    await using source = await open({ type: "HttpJson", ...entry });
    expect(await fetchFrom(source)).toEqual(bytes);
  });

  test.each<[string, SourceErrorCode, string, string]>([
    ["nothing at the path", "ERR_SOURCE_FORMAT", "application/json", "{}"],
    ["hex of odd length", "ERR_SOURCE_FORMAT", "application/json", '{"d":"abc"}'],
    ["a number", "ERR_SOURCE_FORMAT", "application/json", '{"d":1}'],
    ["too little", "ERR_SOURCE_LENGTH", "application/json", '{"d":"abcd"}'],
    ["a key twice", "ERR_SOURCE_FORMAT", "application/json", `{"d":"","d":"${hexOf(bytes)}"}`],
    ["another type", "ERR_SOURCE_FORMAT", "text/plain", `{"d":"${hexOf(bytes)}"}`],
    ["a page", "ERR_SOURCE_FORMAT", "text/html", "<html>"],
    ["no end", "ERR_SOURCE_LENGTH", "application/json", `{"d":"${"0".repeat(70_000)}"}`],
  ])("%s: %s", async (_, code, type, text) => {
    server.answer(sends(type, text));
    await using source = await open({ type: "HttpJson", encoding: "hex", path: "d" });
    expect((await refusalOf(fetchFrom(source))).code).toBe(code);
  });
});

function hexOf(part: Buffer): string {
  return part.toString("hex");
}

test("a drip that is too slow ends with its time", async () => {
  server.answer((response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" }).flushHeaders();
    const drip = setInterval(() => response.write(bytes.subarray(0, 1)), 20);
    response.on("close", () => clearInterval(drip));
  });
  await using source = await open({ type: "HttpBytes", fetch_timeout: 300 });
  expect((await refusalOf(fetchFrom(source))).code).toBe("ERR_SOURCE_TIMEOUT");
});
