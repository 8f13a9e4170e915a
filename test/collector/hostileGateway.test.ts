import { createSecretKey, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomes, type Outcome } from "../../collector/push/outcome.ts";
import { decodePacket } from "../../common/packet/msgpack.ts";
import { audienceKey, verifySignature } from "../../common/packet/signature.ts";
import { makeAuthority, type Authority, type Identity } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder, type Folder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { seededRandom } from "../helpers/seededRandom.ts";
import { startAppliance } from "./helpers/appliance.ts";
import { startDecoy, type Decoy } from "./helpers/decoy.ts";
import { canary, empty, tlsTricks, tricks, type Trick } from "./helpers/hostileTricks.ts";
import { protocolOutcome } from "./helpers/protocol.ts";
import { startRawServer, type Peer } from "./helpers/rawServer.ts";
import { runCollector } from "./helpers/running.ts";

const chunkBytes = 1024; // what the start-up test takes
const restMilliseconds = 1_000_000;
const secret = randomBytes(32).toString("hex");

let authority: Authority;
let identity: Identity;
let decoy: Decoy;
let folder: Folder;

beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
  decoy = await startDecoy();
  folder = await makeFolder();
  await writeFile(folder.at("ca.pem"), authority.certificate);
});

afterAll(async () => {
  await decoy[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Received {
  readonly head: string;
  readonly data: string;
  readonly body: string;
  readonly sequence: bigint;
}

/** A request as it must always be, whatever came before; throws for any other. */
function readRequest(request: Buffer, port: number): Received {
  const end = request.indexOf("\r\n\r\n") + 4;
  const body = request.subarray(end);
  const packet = decodePacket(body);
  const own = `127.0.0.1:${port}`;
  const key = audienceKey(createSecretKey(secret, "hex"), own);
  expect(verifySignature(key, packet, packet.signature)).toBe(true);
  expect(request.toString("latin1", 0, end)).toBe(
    [
      "POST /some/path HTTP/1.1",
      `host: ${own}`,
      `content-length: ${body.length}`,
      "content-type: application/msgpack",
      `x-qrng-audience: ${own}`,
      "x-qrng-key-id: config-bound",
      "Connection: keep-alive",
      "\r\n",
    ].join("\r\n"),
  );
  return {
    head: request.toString("latin1", 0, end),
    data: Buffer.from(packet.data).toString("hex"),
    body: body.toString("hex"),
    sequence: packet.sequence,
  };
}

const distinct = (values: readonly unknown[]): number => new Set(values).size;

interface Way {
  readonly secure: boolean;
  readonly beforeTls?: boolean;
}

/** What a run has left behind in the collector, as far as it does not hang on when it was. */
interface Trace {
  /** Of each honest push, which chunk it was and how many signatures there were before. */
  readonly packets: readonly (readonly [chunk: number, signature: number])[];
  readonly pushes: Readonly<Record<string, number>>;
  readonly bytes: readonly (number | undefined)[];
  readonly said: readonly unknown[];
}

/** A gateway that gives an outcome so many times in the plainest way, and takes all else. */
function friendly(outcome: Outcome, times: number): Trick {
  const statuses = { taken: 200, seen: 409, full: 507, refused: 401, misdirected: 307 };
  let left = times;
  return {
    name: "a friendly gateway",
    outcome,
    play: async (peer) => {
      if (outcome === "unreachable") return peer.end();
      for (; left > 0 && (await peer.request()) !== undefined; left--) {
        peer.write(empty(outcome === "unknown" ? 500 : statuses[outcome]));
      }
    },
  };
}

const friendlyTraces = new Map<string, Promise<Trace>>();

/** A trick leaves the collector as a friendly gateway with the same outcomes does. */
async function survive(trick: Trick, way: Way): Promise<void> {
  const { outcome } = trick;
  const trace = await live(trick, way);
  const honest = outcome === "taken" ? trace.packets.length : 0;
  const times = trace.pushes[outcome]! - honest;
  expect(times).toBeGreaterThan(0);
  const same = JSON.stringify({ outcome, times, ...way });
  const usual = friendlyTraces.get(same) ?? live(friendly(outcome, times), way);
  friendlyTraces.set(same, usual);
  expect(trace).toEqual(await usual);
}

/**
 * The collector against a gateway that plays the trick on the first connections and is honest on
 * those that follow.
 */
async function live(
  { outcome, play, deaf }: Trick,
  { secure, beforeTls = false }: Way,
): Promise<Trace> {
  // Bytes that come again are tricked again.
  const plays = outcome === "unknown" || outcome === "full" || outcome === "unreachable" ? 2 : 1;
  const clock = new ManualClock();
  const tricked: Received[] = [];
  const honest: Received[] = [];
  const problems: unknown[] = [];
  const boot = clock.wall() / 1_000n; // where sequence numbers start, µs
  let ended = 0;
  await using appliance = await startAppliance(1);
  await using server = await startRawServer({
    identity: secure ? identity : undefined,
    plain: beforeTls ? plays : 0,
    onConnection: () => clock.advance(1_000), // so that the next one need not wait for it
    serve: async (peer: Peer, index) => {
      const keep = (received: Received[], request: Buffer): void => {
        try {
          received.push(readRequest(request, server.port));
        } catch (error) {
          problems.push(error);
        }
      };
      if (index < plays) {
        peer.onRequest = (request) => keep(tricked, request);
        await play(peer, decoy.url);
        ended += 1;
      }
      peer.onRequest = (request) => keep(honest, request);
      while ((await peer.request()) !== undefined) {
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }
    },
  });
  await using collector = await runCollector(
    {
      appliance_url: appliance.url,
      fetch_chunk_size: chunkBytes,
      fetch_interval: 0,
      max_age: 86_400_000,
      push_url: `${secure ? "https" : "http"}://127.0.0.1:${server.port}/some/path`,
      hmac_secret_key: secret,
      push: {
        packet_size: chunkBytes,
        timeout: outcome === "unknown" || outcome === "unreachable" ? 1_000 : 30_000,
        window: 500_000,
        clock_skew: restMilliseconds - 500_000,
        backoff_min: 10,
        backoff_max: 10,
        tls: secure ? { ca_file: folder.at("ca.pem") } : {},
      },
    },
    clock,
  );
  const pushed = async (name: Outcome): Promise<number> =>
    (await collector.metrics())[`qrng_collector_pushes_total{outcome="${name}"}`] ?? Number.NaN;

  // One packet's bytes at first, so that it is known what the trick was played on.
  await eventually(async () => (await pushed(outcome)) > 0);
  if (outcome === "taken") await eventually(() => ended > 0 || server.open() === 0);
  appliance.allow(3);
  await eventually(() => honest.length >= 3);
  await eventually(async () => (await pushed("taken")) >= 3);

  const [first, ...others] = appliance.given;
  const delivered = honest.map(({ data }) => data);
  const again = tricked.filter(({ data }) => data === first);
  switch (outcome) {
    case "taken":
    case "seen":
      expect(delivered).toEqual(others);
      break;
    case "full":
    case "unreachable":
      await eventually(() => honest.length === 4);
      expect(honest.map(({ data }) => data)).toEqual([first, ...others]);
      expect(distinct([...again, honest[0]].map((packet) => packet!.body))).toBe(again.length + 1);
      break;
    case "unknown":
      await eventually(() => honest.length === 4);
      expect(honest.map(({ data }) => data)).toEqual([first, ...others]);
      expect(distinct([...again, honest[0]].map((packet) => packet!.body))).toBe(1);
      break;
    case "refused":
    case "misdirected": {
      expect(delivered).toEqual(others);
      clock.advance(restMilliseconds);
      appliance.allow(1);
      await eventually(() => honest.length === 5);
      expect(honest.slice(3).map(({ data }) => data)).toEqual([first, appliance.given[4]]);
      expect(distinct([...again, honest[3]].map((packet) => packet!.body))).toBe(again.length + 1);
    }
  }
  await eventually(async () => (await pushed("taken")) >= honest.length);

  const counts = Object.fromEntries(
    await Promise.all(outcomes.map(async (name) => [name, await pushed(name)] as const)),
  );
  const metrics = await collector.metrics();
  expect(metrics).toMatchObject({
    'qrng_collector_lost_bytes_total{reason="expired"}': 0,
    'qrng_collector_lost_bytes_total{reason="unknown"}': 0,
    qrng_collector_buffer_bytes: 0,
  });
  await collector.stop();
  if (deaf !== true) await eventually(() => server.open() === 0);

  expect(problems).toEqual([]);
  expect(decoy.connections()).toBe(0);
  expect(collector.captured.text()).not.toContain(canary);
  const messages = [
    "listening",
    "source gives bytes",
    "source gives no bytes",
    "nothing goes on without these sources",
    "enough sources give bytes again",
    "gateway takes packets",
    "gateway did not take a packet",
    "gateway refuses packets",
  ];
  expect(messages).toEqual(expect.arrayContaining(collector.captured.messages()));
  const lines = collector.captured.lines().filter((line) => line["instance"] !== undefined);
  return {
    packets: honest.map(({ data, sequence }) => [
      appliance.given.indexOf(data),
      Number(sequence - boot),
    ]),
    pushes: counts,
    bytes: [
      metrics["qrng_collector_delivered_bytes_total"],
      metrics["qrng_collector_buffer_bytes"],
      metrics['qrng_collector_lost_bytes_total{reason="shutdown"}'],
    ],
    said: lines.map(({ message, outcome: what, keyId }) => ({ message, what, keyId })),
  };
}

describe.concurrent("over http", () => {
  test.each(tricks)("$name", (trick) => survive(trick, { secure: false }));
});

describe.concurrent("over https", () => {
  // Every trick over TLS is in hostileConnection.test.ts.
  const some = tricks.filter((_, index) => index % 7 === 0);
  test.each(some)("$name", (trick) => survive(trick, { secure: true }));
  test.each(tlsTricks)("$name", (trick) => survive(trick, { secure: true, beforeTls: true }));
});

test("every status, in any order: bytes are signed anew only where that is safe", async () => {
  const odd = ["000", "600", "999", "1000"];
  const all = Array.from({ length: 500 }, (_, index) => String(100 + index));
  const left = shuffled([...all, ...odd]);
  const clock = new ManualClock();
  const answered: { status: string; received: Received }[] = [];
  const problems: unknown[] = [];
  await using appliance = await startAppliance();
  await using server = await startRawServer({
    onConnection: () => clock.advance(1_000),
    serve: async (peer) => {
      for (let request = await peer.request(); request !== undefined;) {
        const status = left.pop() ?? "200";
        try {
          answered.push({ status, received: readRequest(request, server.port) });
        } catch (error) {
          problems.push(error);
        }
        peer.write(`HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`);
        if (/^1..$/.test(status)) return peer.end(); // else the answer would be waited for
        request = await peer.request();
      }
    },
  });
  await using collector = await runCollector(
    {
      appliance_url: appliance.url,
      fetch_chunk_size: chunkBytes,
      fetch_interval: 1,
      max_age: 86_400_000,
      push_url: `http://127.0.0.1:${server.port}/some/path`,
      hmac_secret_key: secret,
      push: {
        packet_size: chunkBytes,
        timeout: 30_000,
        window: 600_000,
        clock_skew: 600_000,
        backoff_min: 10,
        backoff_max: 10,
      },
    },
    clock,
  );
  await eventually(() => left.length === 0);
  await eventually(() => answered.length >= all.length + odd.length + 3);
  await collector.stop();

  expect(problems).toEqual([]);
  const byData = Map.groupBy(answered, ({ received }) => received.data);
  for (const attempts of byData.values()) {
    for (const [index, { received, status }] of attempts.entries()) {
      const outcome = protocolOutcome(Number(status));
      const next = attempts[index + 1];
      if (outcome === "taken" || outcome === "seen") expect(next).toBeUndefined();
      if (next === undefined) continue;
      // The clock stood: nothing that rested can have been due.
      const same = next.received.body === received.body;
      expect({ status, same }).toEqual({ status, same: outcome !== "full" });
      const before = attempts.slice(0, index + 1).filter((a) => a.received.body === received.body);
      const unknown = before.some((a) => protocolOutcome(Number(a.status)) === "unknown");
      if (same) expect({ status, unknown }).toEqual({ status, unknown: true });
    }
  }
  const firstSeen = [...byData.keys()];
  expect(firstSeen).toEqual(appliance.given.slice(0, firstSeen.length));
});

function shuffled<T>(items: readonly T[]): T[] {
  const random = seededRandom(7765);
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
