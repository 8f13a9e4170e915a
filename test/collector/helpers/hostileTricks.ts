import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Outcome } from "../../../collector/push/outcome.ts";
import type { Peer } from "./rawServer.ts";

/** One way for a gateway to misbehave on a connection, and what may come of it: one outcome. */
export interface Trick {
  readonly name: string;
  readonly outcome: Outcome;
  /** It does not read, so it cannot see the other side go. */
  readonly deaf?: true;
  /** @param decoy a URL that must never be asked for */
  readonly play: (peer: Peer, decoy: string) => Promise<void>;
}

/** Stands in every part of every hostile answer, so that it can be looked for. */
export const canary = "canary-7f3a-sings";

const head = (status: number | string, ...fields: string[]): string =>
  [`HTTP/1.1 ${status} ${canary}`, `x-${canary}: ${canary}`, ...fields, "", ""].join("\r\n");
export const empty = (status: number | string, ...fields: string[]): string =>
  head(status, ...fields, "content-length: 0");
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const block = Buffer.alloc(65_536, `${canary} `);

/** Reads the request first, as an honest gateway does. */
function afterRequest(
  name: string,
  outcome: Outcome,
  answer: (peer: Peer, decoy: string) => void | Promise<void>,
): Trick {
  return {
    name,
    outcome,
    play: async (peer, decoy) => {
      await peer.request();
      await answer(peer, decoy);
    },
  };
}

function answers(name: string, outcome: Outcome, text: string | Uint8Array): Trick {
  return afterRequest(name, outcome, (peer) => peer.write(text));
}

const redirects = [300, 301, 302, 303, 304, 305, 307, 308].map((status) =>
  afterRequest(`redirect ${status}`, "misdirected", (peer, decoy) =>
    peer.write(empty(status, `location: ${decoy}`)),
  ),
);

const lures = [
  afterRequest("a Location, a Refresh and an Alt-Svc beside 200", "taken", (peer, decoy) =>
    peer.write(
      empty(
        200,
        `location: ${decoy}`,
        `refresh: 0; url=${decoy}`,
        `content-location: ${decoy}`,
        `link: <${decoy}>; rel=preload`,
        `alt-svc: http/1.1="${new URL(decoy).host}"; ma=99999999999; persist=1`,
      ),
    ),
  ),
  afterRequest("a proxy to use (305) and to log in to (407)", "refused", (peer, decoy) =>
    peer.write(empty(407, `location: ${decoy}`, `proxy-authenticate: Basic realm="${decoy}"`)),
  ),
];

const heads = [
  answers("a head beyond the parser's limit", "unknown", head(200, `x: ${"a".repeat(2 ** 20)}`)),
  answers(
    "thousands of header lines",
    "taken",
    head(200, "content-length: 0", ...Array<string>(3_000).fill("a: b")),
  ),
  afterRequest("an endless head", "unknown", async (peer) => {
    peer.write("HTTP/1.1 200 OK\r\n");
    await peer.flood("x: y\r\n".repeat(100));
  }),
  afterRequest("an endless reason phrase", "unknown", async (peer) => {
    peer.write("HTTP/1.1 200 ");
    await peer.flood(block);
  }),
  afterRequest("a head a byte at a time", "unknown", async (peer) => {
    peer.write("HTTP/1.1 200 OK\r\n");
    await peer.drip("x: y\r\n");
  }),
  afterRequest("empty lines without end", "unknown", (peer) => peer.flood("\r\n".repeat(1_000))),
  answers(
    "content-length and transfer-encoding",
    "unknown",
    `${head(200, "content-length: 5", "transfer-encoding: chunked")}${chunk("hello")}0\r\n\r\n`,
  ),
  answers("two content-lengths", "unknown", head(200, "content-length: 0", "content-length: 5")),
  answers("a content-length of 10^40", "unknown", head(200, `content-length: 1${"0".repeat(40)}`)),
  answers("a negative content-length", "unknown", head(200, "content-length: -1")),
  answers("a NUL in a header", "unknown", empty(200, "x: a\0b")),
  answers("lines that end in LF alone", "unknown", empty(200).replaceAll("\r\n", "\n")),
  answers("a space before the colon", "unknown", empty(200, "x : y")),
  answers("no reason phrase", "refused", "HTTP/1.1 410\r\ncontent-length: 0\r\n\r\n"),
  answers("empty lines before the head", "seen", `\r\n\r\n\r\n${empty(409)}`),
  answers("8-bit header values", "taken", empty(200, "x: \xe9\xff\x80")),
  answers(
    "absurd values in every header that a client may act on",
    "taken",
    empty(
      200,
      `set-cookie: ${canary}=1; Max-Age=999999999999; Domain=.`,
      "retry-after: 999999999999999999999",
      "retry-after: -1",
      "connection: upgrade, keep-alive, x-qrng-audience, host",
      "upgrade: h2c, websocket, TLS/1.3",
      "keep-alive: timeout=999999999999999999, max=-1",
      "strict-transport-security: max-age=99999999999999999999; includeSubDomains",
      'clear-site-data: "*"',
      "content-type: application/json; charset=utf-7",
      "content-range: bytes 0-99999999999/*",
      `www-authenticate: Basic realm="${canary}"`,
      "date: Thu, 99 Jan 99999 99:99:99 GMT",
      "trailer: host, content-length",
      "vary: *",
    ),
  ),
  answers(
    "as much Set-Cookie as a parser takes",
    "taken",
    empty(200, `set-cookie: ${canary}=${"a".repeat(15_000)}`),
  ),
  answers(
    "an upgrade asked for",
    "refused",
    empty(426, "connection: upgrade", "upgrade: TLS/1.3, HTTP/2.0"),
  ),
  answers("retry-after on 503", "refused", empty(503, "retry-after: 0")),
  answers("a log-in asked for", "refused", empty(401, 'www-authenticate: Basic realm="x"')),
  answers("keep-alive for 0 s", "taken", empty(200, "keep-alive: timeout=0")),
  answers("connection: close, and stays open", "taken", empty(200, "connection: close")),
];

const bodies = [
  afterRequest("a body longer than it says, without end", "taken", async (peer) => {
    peer.write(empty(200));
    await peer.flood(block);
  }),
  afterRequest("1 TiB of body", "full", async (peer) => {
    peer.write(head(507, `content-length: ${2 ** 40}`));
    await peer.flood(block);
  }),
  afterRequest("an endless chunked body", "taken", async (peer) => {
    peer.write(head(200, "transfer-encoding: chunked"));
    await peer.flood(chunk(canary.repeat(1_000)));
  }),
  afterRequest("an endless chunk extension", "taken", async (peer) => {
    peer.write(`${head(200, "transfer-encoding: chunked")}5;`);
    await peer.flood(block);
  }),
  afterRequest("an endless body of neither length nor chunks", "taken", async (peer) => {
    peer.write(head(200));
    await peer.flood(block);
  }),
  afterRequest("a body a byte at a time", "seen", async (peer) => {
    peer.write(head(409, "content-length: 100000"));
    await peer.drip(canary);
  }),
  answers("a body that never comes", "refused", head(429, "content-length: 10")),
  afterRequest("a body cut short by a reset", "full", async (peer) => {
    peer.write(head(507, "content-length: 1000") + canary);
    await delay(20);
    peer.reset();
  }),
  afterRequest("a body cut short by the end", "taken", (peer) =>
    peer.end(head(200, "content-length: 1000") + canary),
  ),
  answers(
    "a broken chunk",
    "taken",
    `${head(200, "transfer-encoding: chunked")}zz\r\n${canary}\r\n`,
  ),
  answers(
    "chunk extensions and trailers with orders in them",
    "seen",
    `${head(409, "transfer-encoding: chunked", "trailer: connection")}5;status=200;retry="now"\r\nhello\r\n0;x=${canary}\r\nconnection: upgrade\r\ncontent-length: 5\r\n\r\n`,
  ),
  answers(
    "a body shorter than it says, and a next answer in its place",
    "taken",
    head(200, `content-length: ${empty(507).length + 5}`) + empty(507),
  ),
  answers(
    "a chunk of 2^64 bytes",
    "taken",
    `${head(200, "transfer-encoding: chunked")}10000000000000000\r\n`,
  ),
  answers("a body to a 204", "unknown", `${head(204)}${canary.repeat(100)}`),
  answers(
    "trailers",
    "taken",
    `${head(200, "transfer-encoding: chunked", "trailer: x")}${chunk("hello")}0\r\nx: ${canary}\r\nhost: evil\r\n\r\n`,
  ),
  afterRequest("endless trailers", "taken", async (peer) => {
    peer.write(`${head(200, "transfer-encoding: chunked")}0\r\n`);
    await peer.flood(`x: ${canary}\r\n`.repeat(100));
  }),
  answers(
    "gzip",
    "taken",
    Buffer.concat([
      Buffer.from(head(200, "content-encoding: gzip", `content-length: ${gzipSync(block).length}`)),
      gzipSync(block),
    ]),
  ),
  answers("a gzip bomb", "taken", gzipBomb()),
  answers(
    "broken gzip, chunked",
    "taken",
    `${head(200, "content-encoding: gzip, br", "transfer-encoding: chunked")}${chunk(canary)}0\r\n\r\n`,
  ),
];

function gzipBomb(): Buffer {
  const bomb = gzipSync(Buffer.alloc(32 * 2 ** 20));
  return Buffer.concat([
    Buffer.from(head(200, "content-encoding: gzip", `content-length: ${bomb.length}`)),
    bomb,
  ]);
}

const informational = [
  ...[100, 102, 103].map((status) =>
    afterRequest(`${status} without end`, "unknown", (peer) => peer.flood(head(status))),
  ),
  afterRequest("103 a few bytes at a time", "unknown", (peer) => peer.drip(head(103))),
  answers(
    "100, 102 and 103 before the answer",
    "seen",
    head(100) + head(102) + head(103) + empty(409),
  ),
  afterRequest("103 with a redirect, then the answer", "taken", (peer, decoy) =>
    peer.write(head(103, `location: ${decoy}`, `link: <${decoy}>; rel=preload`) + empty(200)),
  ),
  answers(
    "101 with an upgrade",
    "unknown",
    `${head(101, "connection: upgrade", "upgrade: websocket")}${canary}`,
  ),
  answers(
    "101 with an upgrade, then an answer",
    "unknown",
    `${head(101, "connection: upgrade", "upgrade: h2c")}${empty(200)}`,
  ),
  afterRequest("101 with an upgrade, then a reset", "unknown", async (peer) => {
    peer.write(head(101, "connection: upgrade", "upgrade: websocket"));
    await delay(5);
    peer.reset();
  }),
  answers("101 without an upgrade", "unknown", head(101)),
  answers("199", "unknown", head(199)),
];

const noHttp = [
  answers(
    "garbage",
    "unknown",
    Uint8Array.from({ length: 5_000 }, (_, at) => (at * 167) % 256),
  ),
  answers("a bare body, as HTTP/0.9", "unknown", `<html>${canary}</html>`),
  answers("zeros", "unknown", Buffer.alloc(10_000)),
  answers("another protocol", "unknown", `SSH-2.0-${canary}\r\n`),
  answers("HTTP/2", "unknown", Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)),
  answers("the preface of HTTP/2", "unknown", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  answers("HTTP/1.2", "unknown", empty(200).replace("1.1", "1.2")),
  answers("HTTP/1.0", "taken", empty(200).replace("1.1", "1.0")),
  answers(
    "HTTP/1.0 that is kept alive",
    "seen",
    empty(409, "connection: keep-alive").replace("1.1", "1.0"),
  ),
  answers("HTTP/0.9 with a head", "full", empty(507).replace("1.1", "0.9")),
  answers("its own request back", "unknown", "POST /push HTTP/1.1\r\nhost: x\r\n\r\n"),
  answers("a TLS alert", "unknown", Buffer.of(0x15, 3, 3, 0, 2, 2, 40)),
];

const timing: Trick[] = [
  {
    name: "an answer to nobody's request",
    outcome: "full",
    play: async (peer) => {
      peer.write(empty(507));
      await peer.request();
    },
  },
  {
    name: "the end before anything is read",
    outcome: "unknown",
    play: async (peer) => {
      peer.end();
      await peer.request();
    },
  },
  {
    name: "a reset at the first bytes of the request",
    outcome: "unknown",
    play: async (peer) => {
      await once(peer.socket, "data");
      peer.reset();
    },
  },
  afterRequest("a reset after reading", "unknown", (peer) => peer.reset()),
  afterRequest("a reset in the middle of the head", "unknown", async (peer) => {
    peer.write("HTTP/1.1 200 OK\r\nx:");
    await delay(20);
    peer.reset();
  }),
  afterRequest("the end without an answer", "unknown", (peer) => peer.end()),
  afterRequest("the end in the middle of the head", "unknown", (peer) => peer.end("HTTP/1.1 20")),
  afterRequest("no answer at all", "unknown", () => undefined),
  {
    name: "never reading, never answering",
    outcome: "unknown",
    deaf: true,
    play: () => new Promise(() => undefined),
  },
  afterRequest("a second answer with the first", "taken", (peer) =>
    peer.write(empty(200) + empty(507)),
  ),
  afterRequest("a hundred answers at once", "taken", (peer) =>
    peer.write(empty(200) + empty(507).repeat(50) + empty(401).repeat(50)),
  ),
  afterRequest("a second answer to an idle connection", "taken", async (peer) => {
    peer.write(empty(200));
    await delay(20);
    peer.write(empty(507));
    await peer.closed();
  }),
  afterRequest("garbage on an idle connection", "taken", async (peer) => {
    peer.write(empty(200));
    await delay(20);
    peer.write(canary);
    await peer.closed();
  }),
];

export const tricks: readonly Trick[] = [
  ...redirects,
  ...lures,
  ...heads,
  ...bodies,
  ...informational,
  ...noHttp,
  ...timing,
];

/** Played before TLS, where the other side waits for a handshake. */
export const tlsTricks: readonly Trick[] = [
  greets("garbage", (peer) => peer.write(Buffer.alloc(10_000, canary))),
  greets("garbage without end", (peer) => peer.flood(block)),
  greets("plain HTTP", (peer) => peer.write(empty(200))),
  greets("an alert", (peer) => peer.write(Buffer.of(0x15, 3, 3, 0, 2, 2, 40))),
  greets("a record that never ends", (peer) => peer.write(Buffer.of(0x16, 3, 3, 0x40, 0, 2))),
  greets("records of nothing", (peer) => peer.flood(Buffer.of(0x16, 3, 3, 0, 0))),
  greets("a byte at a time", (peer) => peer.drip("\x16\x03\x03\x3f\xff")),
  greets("silence", () => undefined),
  greets("the end", (peer) => peer.end()),
  greets("a reset", (peer) => peer.reset()),
];

function greets(name: string, greet: (peer: Peer) => void | Promise<void>): Trick {
  return {
    name: `${name} instead of a handshake`,
    outcome: "unreachable",
    play: async (peer) => {
      peer.socket.resume();
      await greet(peer);
      await peer.closed();
    },
  };
}
