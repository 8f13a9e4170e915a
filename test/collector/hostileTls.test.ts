import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { Connection } from "../../collector/push/connection.ts";
import { fixed } from "../../common/reload.ts";
import { makeAuthority, type Authority, type Identity } from "../helpers/certificates.ts";
import { hastyClock } from "./helpers/hastyClock.ts";
import { messages, startRecordServer, type RecordPeer } from "./helpers/tlsRecords.ts";

// What a gateway can do to a connection below HTTP, once TLS 1.3 is up.

const body = Buffer.from("what is pushed");
const never = new AbortController().signal;
const full = "HTTP/1.1 507 full\r\ncontent-length: 0\r\n\r\n";

let authority: Authority;
let identity: Identity;

beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
});

const many = (count: number, make: () => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, make));

async function flood({ tcp }: RecordPeer, make: () => Buffer): Promise<void> {
  while (!tcp.destroyed) {
    tcp.write(many(200, make));
    while (!tcp.destroyed && tcp.writableNeedDrain) await turn();
    await turn();
  }
}

const plays: [string, string, (peer: RecordPeer) => void | Promise<void>][] = [
  ["an answer made by hand", "full", ({ records, tcp }) => void tcp.write(records.data(full))],
  [
    "thirty KeyUpdates before the answer",
    "full",
    ({ records, tcp }) => {
      tcp.write(many(30, () => records.handshake(messages.keyUpdate)));
      tcp.write(records.data(full));
    },
  ],
  [
    "KeyUpdates without end",
    "unknown",
    (peer) => flood(peer, () => peer.records.handshake(messages.keyUpdate)),
  ],
  [
    "a few tickets before the answer",
    "full",
    ({ records, tcp }) => {
      tcp.write(many(10, () => records.handshake(messages.ticket)));
      tcp.write(records.data(full));
    },
  ],
  [
    "tickets without end",
    "unknown",
    (peer) => flood(peer, () => peer.records.handshake(messages.ticket)),
  ],
  ["empty records without end", "unknown", (peer) => flood(peer, () => peer.records.data(""))],
  [
    "tickets without end behind the answer",
    "full",
    (peer) => {
      peer.tcp.write(peer.records.data(full));
      return flood(peer, () => peer.records.handshake(messages.ticket));
    },
  ],
  [
    "a call for a renegotiation",
    "unknown",
    ({ records, tcp }) => void tcp.write(records.handshake(messages.helloRequest)),
  ],
  [
    "a second request for a certificate",
    "unknown",
    ({ records, tcp }) => void tcp.write(records.handshake(messages.certificateRequest)),
  ],
  [
    "a KeyUpdate in the middle of the answer",
    "full",
    ({ records, tcp }) => {
      tcp.write(records.data(full.slice(0, 12)));
      tcp.write(records.handshake(messages.keyUpdate));
      tcp.write(records.data(full.slice(12)));
    },
  ],
];

test.each(plays)("%s: %s, and the next push is as usual", async (_name, outcome, play) => {
  await using server = await startRecordServer(identity, play);
  const connection = new Connection({
    url: new URL(`https://127.0.0.1:${server.port}/push`),
    address: "127.0.0.1",
    tls: fixed({ ca: authority.certificate, certificate: undefined, key: undefined }),
    timeout: outcome === "unknown" ? 1_000 : 30_000,
    clock: hastyClock(),
  });
  const before = memory();
  expect(await connection.push(body, {}, never)).toBe(outcome);
  await delay(200); // what comes on an idle connection
  expect(memory() - before).toBeLessThan(64 * 2 ** 20);
  connection.close(); // else the next push would go where records are made by hand
  expect(await connection.push(body, {}, never)).toBe("taken");
  connection.close();
  expect(server.requests).toEqual([
    `POST /push HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body.toString()}`,
  ]);
});

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
