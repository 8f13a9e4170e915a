import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceErrorCode } from "../../../common/sources/source.ts";
import { makeAuthority, type Authority, type Identity } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  sends,
  sendsBytes,
  startFaultAppliance,
  type FaultAppliance,
  type Reply,
} from "../../helpers/faultAppliance.ts";
import { fetchFrom, openSource, refusalOf, type OpenSource } from "../../helpers/sources.ts";

const size = 256;
const bytes = randomBytes(size);
/** Enough of them to be told in an error's text. */
const shown = [
  bytes.toString("latin1", 0, 8),
  bytes.toString("hex", 0, 8),
  [...bytes.subarray(0, 8)].join(),
];

let authority: Authority;
let identity: Identity;
let appliance: FaultAppliance;
let source: OpenSource;

beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
});

beforeEach(async () => {
  appliance = await startFaultAppliance({ identity });
  source = await sourceOf({});
});

afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await appliance[Symbol.asyncDispose]();
});

function sourceOf(change: Readonly<Record<string, unknown>>): Promise<OpenSource> {
  const entry = { type: "Quantis", url: appliance.url, fetch_chunk_size: size, ...change };
  return openSource({
    entry: { fetch_timeout: 20_000, ...entry },
    files: { ca_file: authority.certificate },
  });
}

const fetch = (): Promise<Buffer> => fetchFrom(source);

/** The code of the refusal, whose text was checked to quote nothing. */
async function refusal(fetching = fetch()): Promise<SourceErrorCode> {
  const error = await refusalOf(fetching);
  for (const part of shown) expect(error.message).not.toContain(part);
  return error.code;
}

test("the raw bytes that the appliance sends", async () => {
  appliance.answer(sendsBytes(bytes));
  expect(await fetch()).toEqual(bytes);
  expect(appliance.requests).toEqual([
    "GET /api/2.0/firmwareinfo",
    `GET /api/2.0/streambytes?size=${size}`,
  ]);
});

test("one connection serves many fetches, and the firmware is asked for once", async () => {
  appliance.answer(sendsBytes(bytes));
  for (let round = 0; round < 5; round++) expect(await fetch()).toEqual(bytes);
  expect(appliance.openConnections()).toBe(1);
  expect(appliance.requests.filter((line) => line.includes("firmware")).length).toBe(1);
});

test("a URL with a path and slashes at its end", async () => {
  await source[Symbol.asyncDispose]();
  source = await sourceOf({ url: `${appliance.url}/proxy//` });
  appliance.answer(sendsBytes(bytes));
  await fetch();
  expect(appliance.requests.at(-1)).toBe(`GET /proxy/api/2.0/streambytes?size=${size}`);
});

test("the request asks for no compression and no cached answer, and sends no credentials", async () => {
  const headers = Promise.withResolvers<Record<string, unknown>>();
  appliance.answer((response, request) => {
    headers.resolve(request.headers);
    sendsBytes(bytes)(response, request);
  });
  await fetch();
  expect(await headers.promise).toEqual({
    "accept-encoding": "identity",
    "cache-control": "no-store",
    "user-agent": "qrng-bridge",
    host: appliance.url.replace("https://", ""),
    connection: "keep-alive",
  });
});

test.each([
  ["in one line", JSON.stringify([...bytes])],
  ["over many lines", JSON.stringify([...bytes], null, 2).replaceAll("  ", "")],
])("a JSON array of bytes, %s", async (_, text) => {
  appliance.answer(sends("Application/JSON; charset=utf-8", text));
  expect(await fetch()).toEqual(bytes);
});

const list = (...values: unknown[]): Reply =>
  sends(
    "application/json",
    JSON.stringify([...bytes.subarray(0, size - values.length), ...values]),
  );
const octets = { "content-type": "application/octet-stream" };

/** Writes until nobody listens any more. */
const endless =
  (type: string): Reply =>
  (response) => {
    response.writeHead(200, { "content-type": type });
    const more = (): void => {
      while (!response.destroyed && response.write(bytes));
    };
    response.on("drain", more);
    more();
  };

test.each<[string, SourceErrorCode, Reply]>([
  ["status 500", "ERR_SOURCE_STATUS", sends("application/octet-stream", bytes, 500)],
  ["status 404", "ERR_SOURCE_STATUS", sends("text/plain", "not found", 404)],
  ["status 206 with bytes", "ERR_SOURCE_STATUS", sends("application/octet-stream", bytes, 206)],
  ["status 204", "ERR_SOURCE_STATUS", (response) => void response.writeHead(204).end()],
  ["a reset before the answer", "ERR_SOURCE_UNREACHABLE", () => appliance.reset()],
  ["an end before the answer", "ERR_SOURCE_UNREACHABLE", (response) => void response.socket!.end()],
  [
    "a reset inside the body",
    "ERR_SOURCE_UNREACHABLE",
    (response) => {
      response.writeHead(200, { ...octets, "content-length": size });
      response.write(bytes.subarray(0, 100), () => appliance.reset());
    },
  ],
  [
    "an end inside the body",
    "ERR_SOURCE_UNREACHABLE",
    (response) => {
      response.writeHead(200, { ...octets, "content-length": size });
      response.write(bytes.subarray(0, 100), () => response.socket!.end());
    },
  ],
  [
    "an end inside a chunk",
    "ERR_SOURCE_UNREACHABLE",
    (response) => {
      response.socket!.end(
        `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n100\r\nshort`,
      );
    },
  ],
  [
    "a content-length above what comes, then nothing more",
    "ERR_SOURCE_TIMEOUT",
    (response) => {
      response.writeHead(200, { ...octets, "content-length": size * 2 });
      response.write(bytes);
    },
  ],
  ["a byte too few", "ERR_SOURCE_LENGTH", sendsBytes(bytes.subarray(1))],
  ["a byte too many", "ERR_SOURCE_LENGTH", sendsBytes(Buffer.concat([bytes, Buffer.of(1)]))],
  ["no bytes", "ERR_SOURCE_LENGTH", sendsBytes(Buffer.alloc(0))],
  [
    "fewer bytes until the connection ends",
    "ERR_SOURCE_LENGTH",
    (response) => {
      response.socket!.end(
        Buffer.concat([
          Buffer.from("HTTP/1.0 200 OK\r\ncontent-type: application/octet-stream\r\n\r\n"),
          bytes.subarray(1),
        ]),
      );
    },
  ],
  ["bytes without end", "ERR_SOURCE_LENGTH", endless("application/octet-stream")],
  ["JSON without end", "ERR_SOURCE_LENGTH", endless("application/json")],
  ["a page without end", "ERR_SOURCE_LENGTH", endless("text/html")],
  ["HTML", "ERR_SOURCE_FORMAT", sends("text/html", "<h1>Log in</h1>".padEnd(size))],
  ["a long page of HTML", "ERR_SOURCE_FORMAT", sends("text/html", "<p>".repeat(9000))],
  ["HTML of the right length", "ERR_SOURCE_FORMAT", sends("text/html", bytes)],
  ["bytes of no type", "ERR_SOURCE_FORMAT", (response) => void response.writeHead(200).end(bytes)],
  ["bytes as text", "ERR_SOURCE_FORMAT", sends("text/plain", bytes)],
  [
    "a drip that is too slow",
    "ERR_SOURCE_TIMEOUT",
    (response) => {
      response.writeHead(200, octets).flushHeaders();
      const drip = setInterval(() => response.write(bytes.subarray(0, 1)), 50);
      response.on("close", () => clearInterval(drip));
    },
  ],
  ["no answer", "ERR_SOURCE_TIMEOUT", () => undefined],
  [
    "1xx without end",
    "ERR_SOURCE_TIMEOUT",
    (response) => {
      const flood = setInterval(() => response.writeProcessing(), 5);
      response.on("close", () => clearInterval(flood));
    },
  ],
  [
    "headers without end",
    "ERR_SOURCE_UNREACHABLE",
    (response) => {
      const socket = response.socket!;
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = (): void => {
        while (!socket.destroyed && socket.write(`x: ${"y".repeat(1000)}\r\n`));
      };
      socket.on("drain", more);
      more();
    },
  ],
  [
    "something that is not HTTP",
    "ERR_SOURCE_UNREACHABLE",
    (response) => void response.socket!.end(bytes),
  ],
  [
    "the right bytes, gzipped",
    "ERR_SOURCE_FORMAT",
    (response) => {
      response
        .writeHead(200, { ...octets, "content-encoding": "gzip" })
        .end(gzipSync(bytes.subarray(0, 99)));
    },
  ],
  [
    "a gzip bomb",
    "ERR_SOURCE_FORMAT",
    (response) => {
      const bomb = gzipSync(Buffer.alloc(100_000));
      response.writeHead(200, { ...octets, "content-encoding": "gzip" }).end(bomb);
    },
  ],
  [
    "a redirect",
    "ERR_SOURCE_STATUS",
    (response) => void response.writeHead(302, { location: "/api/2.0/firmwareinfo" }).end(),
  ],
  [
    "a redirect with bytes",
    "ERR_SOURCE_STATUS",
    (response) => {
      response.writeHead(301, { ...octets, location: "/api/2.0/other" }).end(bytes);
    },
  ],
  ["256 in a JSON array", "ERR_SOURCE_FORMAT", list(256)],
  ["−1 in a JSON array", "ERR_SOURCE_FORMAT", list(-1)],
  ["1.5 in a JSON array", "ERR_SOURCE_FORMAT", list(1.5)],
  ["text in a JSON array", "ERR_SOURCE_FORMAT", list("7")],
  ["null in a JSON array", "ERR_SOURCE_FORMAT", list(null)],
  ["a list in a JSON array", "ERR_SOURCE_FORMAT", list([7])],
  ["a JSON array that is too short", "ERR_SOURCE_LENGTH", sends("application/json", "[1,2,3]")],
  [
    "a JSON array that is too long",
    "ERR_SOURCE_LENGTH",
    sends("application/json", JSON.stringify([...bytes, 1])),
  ],
  [
    "a JSON object",
    "ERR_SOURCE_FORMAT",
    sends("application/json", `{"data":[${[...bytes].join()}]}`),
  ],
  ["a JSON text", "ERR_SOURCE_FORMAT", sends("application/json", `"${bytes.toString("hex")}"`)],
  ["broken JSON", "ERR_SOURCE_FORMAT", sends("application/json", `[${[...bytes].join()}`)],
  ["bytes as JSON", "ERR_SOURCE_FORMAT", sends("application/json", bytes)],
])("%s: %s", async (_, code, reply) => {
  await source[Symbol.asyncDispose]();
  source = await sourceOf({ fetch_timeout: code === "ERR_SOURCE_TIMEOUT" ? 1500 : 20_000 });
  appliance.answer(reply);
  expect(await refusal()).toBe(code);
  expect(appliance.requests.length).toBe(2); // no retry, no redirect followed
  appliance.answer(sendsBytes(bytes));
  expect(await fetch()).toEqual(bytes); // and it goes on when the appliance does
});

test("a connection that is given up is closed", async () => {
  appliance.answer(endless("application/octet-stream"));
  await refusal();
  await eventually(() => appliance.openConnections() === 0);
});

test("nobody listens there", async () => {
  await appliance[Symbol.asyncDispose]();
  expect(await refusal()).toBe("ERR_SOURCE_UNREACHABLE");
  appliance = await startFaultAppliance({ identity });
});

test("abort ends a fetch", async () => {
  const stopping = new AbortController();
  appliance.answer(() => stopping.abort());
  await refusal(source.fetch(stopping.signal));
  await eventually(() => appliance.openConnections() === 0);
});

test.each(["says nothing", "says something else"])(
  "a port that takes connections and %s: no connection is left behind",
  async (what) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      socket.resume();
      if (what === "says something else") socket.write("220 mail ready\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await source[Symbol.asyncDispose]();
    const { port } = server.address() as AddressInfo;
    source = await sourceOf({ url: `https://127.0.0.1:${port}`, fetch_timeout: 300 });
    const code = what === "says nothing" ? "ERR_SOURCE_TIMEOUT" : "ERR_SOURCE_TLS";
    expect(await refusal()).toBe(code);
    expect(await refusal()).toBe(code);
    await eventually(() => sockets.size === 0, 5_000);
    server.close();
  },
);

test.each([
  [
    "an appliance that calls itself simulated is refused",
    false,
    "Simulated Quantis 1.0",
    200,
    "ERR_SOURCE_SIMULATED",
  ],
  ["one that is named so is taken", true, "Simulated Quantis 1.0", 200, undefined],
  ["a real one is taken though it is named simulated", true, "Quantis 2.14", 200, undefined],
  ["one without firmware text is taken", false, "not found", 404, undefined],
  ["one whose firmware text fails is asked again", false, "simulated", 500, "ERR_SOURCE_STATUS"],
  [
    "one with a firmware text without end is refused",
    false,
    "x".repeat(100_000),
    200,
    "ERR_SOURCE_LENGTH",
  ],
] as const)("%s", async (_, simulated, text, status, code) => {
  await appliance[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  appliance = await startFaultAppliance({
    identity,
    reply: sendsBytes(bytes),
    info: sends("text/plain", text, status),
  });
  source = await sourceOf({ simulated });
  for (const requests of [1, 2]) {
    if (code === undefined) expect(await fetch()).toEqual(bytes);
    else {
      expect(await refusal()).toBe(code);
      expect(appliance.requests.length).toBe(requests); // it was never asked for bytes
    }
  }
});
