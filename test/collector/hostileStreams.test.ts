import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Connection } from "../../collector/push/connection.ts";
import { outcomes } from "../../collector/push/outcome.ts";
import { fixed } from "../../common/reload.ts";
import { hastyClock } from "./helpers/hastyClock.ts";
import { startRawServer, type Peer } from "./helpers/rawServer.ts";

const headers = { "content-type": "application/msgpack" };
const body = Buffer.from("what is pushed");

const status = fc.integer({ min: 0, max: 1099 }).map((code) => String(code).padStart(3, "0"));
const field = fc.constantFrom(
  "content-length: 0",
  "content-length: 5",
  "content-length: 99999999",
  "transfer-encoding: chunked",
  "transfer-encoding: gzip, chunked",
  "connection: close",
  "connection: upgrade",
  "upgrade: websocket",
  "keep-alive: timeout=1",
  "trailer: x",
  "location: http://127.0.0.1:9/",
  " folded",
  ": nothing",
  "",
);
const wellFormed = fc
  .tuple(status, fc.array(field, { maxLength: 4 }))
  .map(([code, fields]) => [`HTTP/1.1 ${code} x`, ...fields, "", ""].join("\r\n"));
const scrap = fc.constantFrom(
  "HTTP/",
  "1.1",
  " ",
  "200",
  "\r\n",
  "\n",
  "\r",
  ":",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "fffffffff\r\n",
  ";ext=1",
  "\0",
);
const piece = fc.oneof(
  { weight: 4, arbitrary: wellFormed.map((text) => Buffer.from(text, "latin1")) },
  { weight: 4, arbitrary: scrap.map((text) => Buffer.from(text, "latin1")) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.nat(90_000).map((length) => Buffer.alloc(length, "x")) },
);
const hostileStream = fc.record({
  pieces: fc.array(piece, { maxLength: 8 }),
  /** Where the first answer is cut into another write. */
  cut: fc.nat(60),
  beforeRequest: fc.boolean(),
  end: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("end" as const, "reset" as const) },
    { weight: 1, arbitrary: fc.constant("stay" as const) },
  ),
});
type HostileStream = typeof hostileStream extends fc.Arbitrary<infer T> ? T : never;

async function play(peer: Peer, stream: HostileStream): Promise<void> {
  if (!stream.beforeRequest) await peer.request();
  const [first = Buffer.alloc(0), ...rest] = stream.pieces;
  for (const part of [first.subarray(0, stream.cut), first.subarray(stream.cut), ...rest]) {
    peer.write(part);
    await turn();
  }
  if (stream.end === "end") peer.end();
  if (stream.end === "reset") peer.reset();
}

/** An answer without fault: what a busy machine has time for, whatever else is cut by the time-out. */
const plain = (code: number): [HostileStream] => [
  {
    pieces: [Buffer.from(`HTTP/1.1 ${code} x\r\ncontent-length: 0\r\n\r\n`)],
    cut: 0,
    beforeRequest: false,
    end: "end",
  },
];

test("whatever is answered, a push ends as one of the seven outcomes and does not throw", async () => {
  let stream: HostileStream | undefined;
  const requests = new Set<string>();
  await using server = await startRawServer({
    serve: async (peer) => {
      if (stream !== undefined) await play(peer, stream);
      for (;;) {
        const request = await peer.request();
        if (request === undefined) return;
        requests.add(request.toString("latin1"));
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }
    },
  });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(hostileStream, async (next) => {
      const connection = new Connection({
        url: new URL(`http://127.0.0.1:${server.port}/push`),
        address: "127.0.0.1",
        tls: fixed({ ca: undefined, certificate: undefined, key: undefined }),
        timeout: 100,
        clock: hastyClock(),
      });
      stream = next;
      for (let push = 0; push < 2; push++) {
        const outcome = await connection.push(body, headers, new AbortController().signal);
        expect(outcomes).toContain(outcome);
        seen.add(outcome);
      }
      connection.close();
    }),
    { numRuns: 300, examples: [200, 409, 507, 404, 302].map(plain) },
  );
  expect(seen.size).toBeGreaterThan(3); // not all of it was dismissed in the first line
  stream = undefined;
  const connection = new Connection({
    url: new URL(`http://127.0.0.1:${server.port}/push`),
    address: "127.0.0.1",
    tls: fixed({ ca: undefined, certificate: undefined, key: undefined }),
    timeout: 30_000,
    clock: hastyClock(),
  });
  expect(await connection.push(body, headers, new AbortController().signal)).toBe("taken");
  connection.close();
  expect(requests.size).toBe(1); // every whole request was the same
});
