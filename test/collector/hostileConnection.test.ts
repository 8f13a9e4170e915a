import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Connection } from "../../collector/push/connection.ts";
import type { Outcome } from "../../collector/push/outcome.ts";
import { systemClock, type Clock } from "../../common/clock.ts";
import { fixed } from "../../common/reload.ts";
import { eventually } from "../helpers/eventually.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import {
  makeAuthority,
  selfSigned,
  type Authority,
  type Identity,
} from "../helpers/certificates.ts";
import { startDecoy, type Decoy } from "./helpers/decoy.ts";
import { hastyClock } from "./helpers/hastyClock.ts";
import { empty, tlsTricks, tricks } from "./helpers/hostileTricks.ts";
import { protocolOutcome } from "./helpers/protocol.ts";
import { startRawServer, type Peer } from "./helpers/rawServer.ts";

const usualTimeout = 30_000;
/** Where there is no other way out than the timeout. */
const shortTimeout = 1_000;
const body = Buffer.from("what is pushed");
const headers = { "content-type": "application/msgpack", "x-qrng-audience": "127.0.0.1:7765" };
const never = new AbortController().signal;
const schemes = ["http", "https"] as const;
type Scheme = (typeof schemes)[number];

let authority: Authority;
let identity: Identity;
let decoy: Decoy;

beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue();
  decoy = await startDecoy();
});

afterAll(async () => {
  await decoy[Symbol.asyncDispose]();
});

interface Wanted {
  readonly timeout?: number;
  readonly host?: string;
  readonly clock?: Clock;
}

function connect(
  scheme: Scheme,
  port: number,
  { timeout = usualTimeout, host = "127.0.0.1", clock = hastyClock() }: Wanted = {},
): Connection & Disposable {
  const ca = scheme === "https" ? authority.certificate : undefined;
  const connection = new Connection({
    url: new URL(`${scheme}://${host}:${port}/push`),
    address: "127.0.0.1",
    tls: fixed({ ca, certificate: undefined, key: undefined }),
    timeout,
    clock,
  });
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}

/** The whole request as it must always be. */
function expectedRequest(port: number): string {
  return [
    "POST /push HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    `content-length: ${body.length}`,
    "content-type: application/msgpack",
    "x-qrng-audience: 127.0.0.1:7765",
    "Connection: keep-alive",
    "",
    "what is pushed",
  ].join("\r\n");
}

/** Answers 200 to every request on the connection, and keeps what it got. */
async function serveWell(peer: Peer, requests: string[]): Promise<void> {
  for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
    requests.push(request.toString("latin1"));
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  }
}

describe.concurrent.each(schemes)("%s", (scheme) => {
  test.each(tricks)("$name: $outcome", async ({ outcome, play, deaf }) => {
    const requests: string[] = [];
    let played = false;
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer, index) => {
        if (index === 0) await play(peer, decoy.url);
        played = true;
        await serveWell(peer, requests);
      },
    });
    using connection = connect(scheme, server.port, {
      timeout: outcome === "unknown" ? shortTimeout : usualTimeout,
    });
    expect(await connection.push(body, headers, never)).toBe(outcome);
    // Some tricks wait until the connection is idle.
    if (outcome === "taken") await eventually(() => played || server.open() === 0);
    expect(await connection.push(body, headers, never)).toBe("taken");
    expect(requests).toEqual([expectedRequest(server.port)]);
    connection.close();
    if (deaf !== true) await eventually(() => server.open() === 0);
    expect(decoy.connections()).toBe(0);
  });

  test("an answer before the request was read ends the connection", async () => {
    const requests: string[] = [];
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer, index) => {
        if (index > 0) return serveWell(peer, requests);
        peer.socket.pause();
        peer.write(empty(507));
      },
    });
    using connection = connect(scheme, server.port, { timeout: 60_000 });
    const large = Buffer.alloc(32 * 2 ** 20); // more than the system takes for a peer that does not read
    expect(await connection.push(large, headers, never)).toBe("full");
    expect(await connection.push(body, headers, never)).toBe("taken");
    expect(server.connections()).toBe(2);
    expect(requests).toEqual([expectedRequest(server.port)]);
  });

  test("a request that is read a little at a time is cut at the timeout", async () => {
    const requests: string[] = [];
    let read = 0;
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer, index) => {
        if (index > 0) return serveWell(peer, requests);
        peer.socket.on("data", (piece: Buffer) => {
          read += piece.length;
          peer.socket.pause();
          setTimeout(() => peer.socket.resume(), 50);
        });
        await peer.closed();
      },
    });
    using connection = connect(scheme, server.port, { timeout: shortTimeout });
    const large = Buffer.alloc(32 * 2 ** 20);
    expect(await connection.push(large, headers, never)).toBe("unknown");
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(large.length);
    expect(await connection.push(body, headers, never)).toBe("taken");
    expect(requests).toEqual([expectedRequest(server.port)]);
  });

  test("after a reset of the idle connection a push is unknown at worst", async () => {
    const requests: string[] = [];
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer, index) => {
        if (index > 0) return serveWell(peer, requests);
        await peer.request();
        peer.write(empty(200));
        await delay(10);
        peer.reset();
      },
    });
    using connection = connect(scheme, server.port);
    expect(await connection.push(body, headers, never)).toBe("taken");
    await eventually(() => server.open() === 0);
    // The reset may reach this side before or after the request has left it.
    const next = await connection.push(body, headers, never);
    if (next !== "taken") expect(next).toBe("unknown");
    expect(await connection.push(body, headers, never)).toBe("taken");
    expect(new Set(requests)).toEqual(new Set([expectedRequest(server.port)]));
  });
});

describe.each(schemes)("an endless body over %s", (scheme) => {
  const block = Buffer.alloc(2 ** 20, "x");
  const pushes = 8;
  const blocksEach = 50;
  /** What the system holds for a peer that does not read any more: at most 4 MiB + 6 MiB. */
  const systemBlocks = 16;

  test("is not read, and nothing of it is kept", async () => {
    let accepted = 0;
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer) => {
        await peer.request();
        peer.write("HTTP/1.1 507 full\r\ncontent-length: 1099511627776\r\n\r\n");
        for (let offered = 0; offered < blocksEach && !peer.gone; offered++) {
          const { promise, resolve } = Promise.withResolvers<Error | null | undefined>();
          peer.socket.write(block, resolve);
          if ((await promise) instanceof Error) return;
          accepted += 1;
        }
        await peer.closed();
      },
    });
    using connection = connect(scheme, server.port);
    const before = memory();
    let most = 0;
    for (let push = 0; push < pushes; push++) {
      expect(await connection.push(body, headers, never)).toBe("full");
      most = Math.max(most, memory() - before);
    }
    await eventually(() => server.open() === 0);
    expect(server.connections()).toBe(pushes);
    expect(accepted).toBeLessThan(pushes * systemBlocks);
    expect(most).toBeLessThan(128 * 2 ** 20);
  });
});

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe.each(schemes)("every status over %s", (scheme) => {
  const odd = [
    "000",
    "600",
    "999",
    "1000",
    "0200",
    "20",
    "2",
    "2 0",
    "-200",
    "+200",
    "2e2",
    "",
    "٢٠٠",
  ];
  const all = Array.from({ length: 500 }, (_, index) => String(100 + index));

  test("is one of the outcomes, and the next push is as it would have been", async () => {
    let status = "";
    const requests: string[] = [];
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      serve: async (peer) => {
        for (;;) {
          const request = await peer.request();
          if (request === undefined) return;
          requests.push(request.toString("latin1"));
          peer.write(empty(status));
          if (/^1..$/.test(status)) peer.end(); // else it would be waited for the answer
        }
      },
    });
    using connection = connect(scheme, server.port, { timeout: 60_000 });
    const outcomes: Record<string, Outcome> = {};
    for (status of [...all, ...odd]) {
      outcomes[status] = await connection.push(body, headers, never);
    }
    const expected = Object.fromEntries([
      ...all.map((each) => [each, protocolOutcome(Number(each))]),
      ...odd.map((each) => [each, "unknown"]),
    ]);
    expect(outcomes).toEqual(expected);
    expect(new Set(requests)).toEqual(new Set([expectedRequest(server.port)]));
    expect(requests.length).toBe(all.length + odd.length);
  });
});

describe.concurrent("TLS that is none", () => {
  test.each(tlsTricks)("$name: unreachable", async ({ play }) => {
    await using server = await startRawServer({ serve: (peer) => play(peer, decoy.url) });
    using connection = connect("https", server.port, { timeout: shortTimeout });
    expect(await connection.push(body, headers, never)).toBe("unreachable");
    await eventually(() => server.open() === 0);
  });

  test("garbage after the handshake: unknown", async () => {
    await using server = await startRawServer({
      identity,
      serve: async (peer) => {
        await peer.request();
        peer.tcp.write(Buffer.alloc(1_000, "garbage")); // not through TLS
      },
    });
    using connection = connect("https", server.port, { timeout: shortTimeout });
    expect(await connection.push(body, headers, never)).toBe("unknown");
  });
});

describe("TLS that is not the gateway's", () => {
  const identities: [string, () => Promise<Identity>, string][] = [
    ["another CA", async () => (await makeAuthority()).issue(), "127.0.0.1"],
    ["no CA", () => selfSigned(), "127.0.0.1"],
    ["another address", () => authority.issue({ names: ["127.0.0.2"] }), "127.0.0.1"],
    ["another name", () => authority.issue({ names: ["127.0.0.1", "gateway"] }), "localhost"],
    ["over", () => authority.issue({ validFrom: -10, validFor: 1 }), "127.0.0.1"],
    ["not yet", () => authority.issue({ validFrom: 1 }), "127.0.0.1"],
    ["a client's", () => authority.issue({ use: "clientAuth" }), "127.0.0.1"],
  ];

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each(identities)("%s: unreachable, and no byte is sent", async (_name, make, host) => {
    // What people set to get rid of a certificate error; it must not reach this far.
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    let requests = 0;
    await using server = await startRawServer({
      identity: await make(),
      serve: async (peer) => {
        if ((await peer.request()) !== undefined) requests += 1;
        peer.write(empty(200));
      },
    });
    using connection = connect("https", server.port, { host });
    expect(await connection.push(body, headers, never)).toBe("unreachable");
    expect(requests).toBe(0);
  });

  test("TLS 1.2: unreachable", async () => {
    await using server = await startRawServer({
      identity,
      maxVersion: "TLSv1.2",
      serve: async (peer) => serveWell(peer, []),
    });
    using connection = connect("https", server.port, { timeout: shortTimeout });
    expect(await connection.push(body, headers, never)).toBe("unreachable");
  });

  test("the URL's name is checked, not the address", async () => {
    await using server = await startRawServer({
      identity: await authority.issue({ names: ["localhost"] }),
      serve: async (peer) => serveWell(peer, []),
    });
    using connection = connect("https", server.port, { host: "localhost" });
    expect(await connection.push(body, headers, never)).toBe("taken");
  });
});

describe("an abort ends a push at once", () => {
  test.each(["while it waits for the answer", "during the TLS handshake"])("%s", async (when) => {
    const waiting = when.includes("answer");
    const connected = Promise.withResolvers<void>();
    await using server = await startRawServer({
      serve: async (peer) => {
        if (waiting) await peer.request();
        connected.resolve();
      },
    });
    using connection = connect(waiting ? "http" : "https", server.port, { timeout: 3_600_000 });
    const aborting = new AbortController();
    const outcome = connection.push(body, headers, aborting.signal);
    await connected.promise;
    aborting.abort();
    expect(await outcome).toBe(waiting ? "unknown" : "unreachable");
  });

  test("while it waits before it connects again", async () => {
    await using server = await startRawServer({ serve: async (peer) => peer.reset() });
    using connection = connect("http", server.port, { clock: new ManualClock() });
    await connection.push(body, headers, never);
    const aborting = new AbortController();
    const outcome = connection.push(body, headers, aborting.signal);
    aborting.abort();
    expect(await outcome).toBe("unreachable");
    expect(server.connections()).toBe(1);
  });
});

describe("reconnects at most once a second", () => {
  const ways: [string, (peer: Peer) => void | Promise<void>][] = [
    ["after a reset", (peer) => peer.reset()],
    ["after the end", (peer) => peer.end()],
    ["after an answer and the end", (peer) => peer.end(empty(200))],
    ["after an answer that says so", (peer) => peer.write(empty(200, "connection: close"))],
    [
      "after an answer that keeps alive for 0 s",
      (peer) => peer.write(empty(200, "keep-alive: timeout=0")),
    ],
    ["after two answers at once", (peer) => peer.write(empty(200) + empty(200))],
    ["after an answer and garbage", (peer) => peer.write(`${empty(200)}garbage`)],
    ["after an upgrade", (peer) => peer.write(empty(101, "connection: upgrade", "upgrade: x"))],
    [
      "after an answer and a reset",
      (peer) => {
        peer.write(empty(200));
        peer.reset();
      },
    ],
    [
      "after an answer and, in the next moment, a reset",
      async (peer) => {
        peer.write(empty(200));
        await turn();
        peer.reset();
      },
    ],
  ];

  /** Seconds from the start to the last of `count` connections. */
  async function secondsFor(count: number, scheme: Scheme, play: (peer: Peer) => unknown) {
    const accepted: number[] = [];
    await using server = await startRawServer({
      identity: scheme === "https" ? identity : undefined,
      onConnection: () => accepted.push(systemClock.monotonic()),
      serve: async (peer) => {
        while ((await peer.request()) !== undefined) await play(peer);
      },
    });
    using connection = connect(scheme, server.port, { clock: systemClock });
    const start = systemClock.monotonic();
    while (accepted.length < count) await connection.push(body, headers, never);
    expect(accepted.length).toBe(count);
    return (accepted.at(-1)! - start) / 999; // timers may be a millisecond early
  }

  test.each(schemes)("however a connection ends, over %s", async (scheme) => {
    const taken = await Promise.all(
      ways.map(async ([way, play]) => ({ way, seconds: await secondsFor(4, scheme, play) })),
    );
    expect(taken.filter(({ seconds }) => seconds < 3)).toEqual([]);
  });

  test("also where nobody listens", async () => {
    const server = await startRawServer({ serve: async () => undefined });
    await server[Symbol.asyncDispose]();
    using connection = connect("http", server.port, { clock: systemClock });
    const start = systemClock.monotonic();
    for (let push = 0; push < 4; push++) {
      expect(await connection.push(body, headers, never)).toBe("unreachable");
    }
    expect((systemClock.monotonic() - start) / 999).toBeGreaterThanOrEqual(3);
  });
});
