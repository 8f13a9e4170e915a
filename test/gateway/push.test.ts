import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePacket, encodePacket } from "../../common/packet/msgpack.ts";
import type { Packet } from "../../common/packet/packet.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { encodeJsonPacket } from "../helpers/jsonPacket.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import {
  draw,
  fill,
  makePacket,
  metric,
  push,
  pushBody,
  ringKeyHex,
  startTestGateway,
  type TestGateway,
  withKey,
} from "./helpers/gateway.ts";

/** Takes pushes from its first millisecond: the start-up floor is now + future. */
const immediate = { window: { future: 0 } };
const seconds = (count: number): bigint => BigInt(count) * 1_000_000_000n;
const received = (gateway: TestGateway): Promise<number> =>
  metric(gateway, 'qrng_gateway_bytes_total{flow="received"}');

describe("a packet that is right", () => {
  test("is taken, and its bytes come out as they went in", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const data = randomBytes(100);
    await fill(gateway, data);
    expect(await (await draw(gateway, "?bytes=100")).text()).toBe(data.toString("hex"));
  });

  test("is taken as JSON too, and is the same packet in both encodings", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const packet = makePacket({ audience: gateway.audience });
    const json = {
      body: encodeJsonPacket(packet),
      headers: { "content-type": "application/json", "x-qrng-audience": gateway.audience },
    };
    expect((await pushBody(gateway, json)).status).toBe(200);
    expect(await push(gateway, packet)).toBe(409);
    expect((await pushBody(gateway, json)).status).toBe(409);
    expect(await received(gateway)).toBe(64);
  });
});

describe("step 1, before anything is believed", () => {
  test("paths, methods, types, lengths and sizes", async () => {
    await using gateway = await startTestGateway({
      push: { ...immediate, max_packet_size: 1024 },
    });
    const { audience } = gateway;
    const body = encodePacket(makePacket({ audience }));
    const bound = { "x-qrng-audience": audience };
    expect((await fetch(gateway.push.replace("/push", "/"))).status).toBe(404);
    const get = await fetch(gateway.push);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    const typed = await pushBody(gateway, {
      body,
      headers: { ...bound, "content-type": "text/plain" },
    });
    expect(typed.status).toBe(415);
    expect(await push(gateway, makePacket({ audience, data: randomBytes(1024) }))).toBe(200);
    expect(await push(gateway, makePacket({ audience, data: randomBytes(1025) }))).toBe(413);
    const large = { body: Buffer.alloc(1024 + 105), headers: bound };
    expect((await pushBody(gateway, large)).status).toBe(413);
    expect(await chunkedPush(gateway, body)).toBe(411);
    expect(await received(gateway)).toBe(1024);
  });

  test("2,000 malformed pushes are refused with a 4xx that quotes nothing", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const valid = makePacket({ audience: gateway.audience, data: Buffer.alloc(300, 0x41) });
    const texts = { msgpack: encodePacket(valid), json: encodeJsonPacket(valid) };
    const anyBody = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
      mutationOf(texts.msgpack),
      mutationOf(texts.json),
      fc.json().map((text) => Buffer.from(text)),
    );
    const anyType = fc.constantFrom(
      "application/msgpack",
      "application/json",
      "application/JSON; charset=utf-8",
      "",
      "text/html",
    );
    await fc.assert(
      fc.asyncProperty(anyBody, anyType, fc.boolean(), async (body, type, isBound) => {
        const headers: Record<string, string> = { "content-type": type };
        if (isBound) headers["x-qrng-audience"] = gateway.audience;
        const response = await pushBody(gateway, { body, headers });
        const text = await response.text();
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect(text).not.toContain("AAAA");
        expect(JSON.parse(text)).toMatchObject({ status: response.status, code: /^ERR_PUSH_/ });
      }),
      { numRuns: 2_000 },
    );
    expect(await received(gateway)).toBe(0);
    expect(await push(gateway, valid)).toBe(200);
  });

  test("a sender that goes away in the middle of a body leaves nothing behind", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const body = encodePacket(makePacket({ audience: gateway.audience }));
    const half = request(gateway.push, {
      method: "POST",
      headers: { "content-type": "application/msgpack", "content-length": body.length },
    });
    half.on("error", () => undefined);
    half.write(body.subarray(0, 50), () => half.destroy());
    await eventually(
      async () =>
        (await metric(gateway, 'qrng_gateway_pushes_total{answer="malformed"}')) === 1 || undefined,
    );
    await fill(gateway, randomBytes(8));
  });
});

describe("steps 2 and 3, audience and signature", () => {
  test("only packets for this very gateway, under a key of its ring", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const { audience } = gateway;
    const other = "127.0.0.1:1";
    expect(await push(gateway, makePacket({ audience: other }), { "x-qrng-audience": other })).toBe(
      401,
    );
    expect(await push(gateway, makePacket({ audience: other }))).toBe(401);
    expect(await push(gateway, makePacket({ audience: null }))).toBe(401);
    expect(await push(gateway, makePacket({ audience: null }), {})).toBe(401);
    expect(await push(gateway, makePacket({ audience }), {})).toBe(401);
    expect(await push(gateway, makePacket({ audience, keyHex: "00".repeat(32) }))).toBe(401);
    expect(await push(gateway, makePacket({ audience }))).toBe(200);
  });

  test("packets without an audience only where accept_unbound is set, and a repeat is answered 200", async () => {
    await using gateway = await startTestGateway({ push: { ...immediate, accept_unbound: true } });
    const packet = makePacket({ audience: null });
    expect(await push(gateway, packet, {})).toBe(200);
    expect(await push(gateway, packet, {})).toBe(200);
    expect(await received(gateway)).toBe(64);
    expect(await push(gateway, makePacket({ audience: gateway.audience }))).toBe(200);
  });

  test("a ring's keys do one thing each, end at notAfter, and follow the file", async () => {
    await using folder = await makeFolder();
    const ring = (...keys: object[]): string =>
      JSON.stringify({
        version: 1,
        signing: "bound",
        keys: [{ id: "bound", key: ringKeyHex }, ...keys],
      });
    const file = folder.at("keyring.json");
    await writeFile(
      file,
      ring(
        { id: "v1", key: "11".repeat(32), use: "unbound" },
        { id: "old", key: "22".repeat(32), notAfter: "2020-01-01T00:00:00Z" },
      ),
      { mode: 0o600 },
    );
    await using gateway = await startTestGateway({
      key_ring_file: file,
      hmac_secret_key: undefined,
      push: { ...immediate, accept_unbound: true },
    });
    const { audience } = gateway;
    expect(await push(gateway, makePacket({ audience: null, keyHex: "11".repeat(32) }), {})).toBe(
      200,
    );
    expect(await push(gateway, makePacket({ audience: null }), {})).toBe(401);
    expect(await push(gateway, makePacket({ audience, keyHex: "11".repeat(32) }))).toBe(401);
    expect(await push(gateway, makePacket({ audience, keyHex: "22".repeat(32) }))).toBe(401);
    const keyIds = async (): Promise<unknown> => {
      const state = (await (await fetch(`${gateway.management}/state`)).json()) as {
        key_ids: unknown;
      };
      return state.key_ids;
    };
    expect(await keyIds()).toEqual(["bound", "v1", "old"]);
    const next = { audience, keyHex: "33".repeat(32) };
    expect(await push(gateway, makePacket(next))).toBe(401);
    await writeFile(file, ring({ id: "next", key: "33".repeat(32) }), { mode: 0o600 });
    await eventually(async () => (await push(gateway, makePacket(next))) === 200 || undefined);
    expect(await push(gateway, makePacket({ audience, data: randomBytes(5) }))).toBe(200);
    expect(await keyIds()).toEqual(["bound", "next"]);
  });
});

describe("step 4, the window", () => {
  test("refuses what was signed too long ago, too far ahead, or before the start", async () => {
    const clock = new ManualClock();
    const started = clock.wall();
    await using gateway = await startTestGateway({ push: immediate }, { clock });
    const answerTo = (timestamp: bigint): Promise<number> =>
      push(gateway, makePacket({ audience: gateway.audience, timestamp }));
    clock.advance(1_000);
    expect(await answerTo(started)).toBe(410);
    expect(await answerTo(started + 1n)).toBe(200);
    expect(await answerTo(clock.wall() + seconds(5))).toBe(410);
    clock.advance(60_000);
    expect(await answerTo(clock.wall() - seconds(31))).toBe(410);
    expect(await answerTo(clock.wall() - seconds(29))).toBe(200);
  });
});

describe("what is refused but could become fresh is refused for good", () => {
  test("a packet from ahead of the clock, when its time has come", async () => {
    const clock = new ManualClock(Date.now());
    await using gateway = await startTestGateway({ push: immediate }, { clock });
    const { audience } = gateway;
    const timestamp = clock.wall() + seconds(20);
    const ahead = makePacket({ audience, timestamp });
    const copies = [1, 2].map(() => decodePacket(encodePacket(ahead)));
    expect(await push(gateway, ahead)).toBe(410);
    expect(await push(gateway, copies[0]!)).toBe(410);
    clock.advance(20_000);
    expect(await push(gateway, copies[1]!)).toBe(507);
    expect(await push(gateway, makePacket({ audience, timestamp: clock.wall() }))).toBe(200);
  });

  test("a packet that came before its key", async () => {
    await using folder = await makeFolder();
    const file = folder.at("keyring.json");
    const write = (...keys: object[]): Promise<void> =>
      writeFile(file, JSON.stringify({ version: 1, signing: "a", keys }), { mode: 0o600 });
    const first = { id: "a", key: ringKeyHex };
    await write(first);
    const config = { key_ring_file: file, hmac_secret_key: undefined };
    await using gateway = await startTestGateway({ ...config, push: immediate });
    const signed = { audience: gateway.audience, keyHex: "33".repeat(32) };
    const early = makePacket(signed);
    const copy = decodePacket(encodePacket(early));
    expect(await push(gateway, early)).toBe(401);
    await write(first, { id: "b", key: "33".repeat(32) });
    await eventually(async () => (await push(gateway, makePacket(signed))) === 200);
    expect(await push(gateway, copy)).toBe(401);
  });
});

describe("step 6, room and limits", () => {
  test("a packet refused as full is never taken later", async () => {
    await using gateway = await startTestGateway({
      buffer_size: 1024,
      max_request_bytes: 1024,
      push: { ...immediate, max_packet_size: 1024 },
    });
    const { audience } = gateway;
    await fill(gateway, randomBytes(1000));
    const refused = makePacket({ audience });
    const body = Buffer.from(encodePacket(refused));
    expect(await push(gateway, refused)).toBe(507);
    expect((await draw(gateway, "?bytes=1000")).status).toBe(200);
    const again = await pushBody(gateway, { body, headers: { "x-qrng-audience": audience } });
    expect(again.status).toBe(507);
    expect(await push(gateway, makePacket({ audience }))).toBe(200);
  });

  test("DiscardOldest makes room", async () => {
    await using gateway = await startTestGateway({
      buffer_size: 1024,
      max_request_bytes: 1024,
      overflow: "DiscardOldest",
      push: { ...immediate, max_packet_size: 1024 },
    });
    const newest = randomBytes(1024);
    await fill(gateway, randomBytes(1000));
    await fill(gateway, newest);
    expect(await (await draw(gateway, "?bytes=1024")).text()).toBe(newest.toString("hex"));
    expect(await metric(gateway, 'qrng_gateway_bytes_total{flow="discarded"}')).toBe(1000);
  });

  test("more bytes than the limit are refused for good; signed anew they may come later", async () => {
    await using gateway = await startTestGateway({
      push: { ...immediate, bytes_per_second: 256, max_packet_size: 256 },
    });
    const { audience } = gateway;
    const signed = (): Packet => makePacket({ audience, data: randomBytes(128) });
    expect(await push(gateway, makePacket({ audience, data: randomBytes(256) }))).toBe(200);
    const limited = signed();
    const copy = decodePacket(encodePacket(limited));
    expect(await push(gateway, limited)).toBe(429);
    await eventually(async () => (await push(gateway, signed())) === 200);
    // Its sender will sign those bytes anew: whoever captured it must not bring them in before.
    expect(await push(gateway, copy)).toBe(507);
  });

  test("a gateway that shuts down refuses pushes and serves what it has", async () => {
    await using gateway = await startTestGateway({ push: immediate, shutdown_grace: "20s" });
    const data = randomBytes(64);
    await fill(gateway, data);
    const stopped = gateway.stop();
    expect(await push(gateway, makePacket({ audience: gateway.audience }))).toBe(503);
    expect(await (await draw(gateway, "?bytes=64")).text()).toBe(data.toString("hex"));
    await stopped; // empty, so at once and not after the grace
    await expect(fetch(gateway.api)).rejects.toThrow();
  });
});

test("the last push is told by the key that collectors sign with", async () => {
  await using folder = await makeFolder();
  const file = folder.at("ring.json");
  const hex = { here: "11".repeat(32), there: "22".repeat(32), spare: "33".repeat(32) };
  const write = (...ids: (keyof typeof hex)[]): Promise<void> => {
    const keys = ids.map((id) => ({ id, key: hex[id] }));
    const ring = JSON.stringify({ version: 1, signing: ids[0], keys });
    return writeFile(file, ring, { mode: 0o600 });
  };
  await write("here", "there");
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const keys = { hmac_secret_key: undefined, key_ring_file: file };
  await using gateway = await startTestGateway({ ...keys, push: immediate }, { clock });
  const { audience } = gateway;
  const pushFrom = async (id: keyof typeof hex, sequence: bigint): Promise<number> => {
    clock.advance(1_000);
    return push(
      gateway,
      makePacket({ audience, sequence, keyHex: hex[id], timestamp: clock.wall() }),
    );
  };
  const lastPushes = async (url: string): Promise<Record<string, string | null>> => {
    const body = (await (await fetch(url, { headers: withKey })).json()) as {
      last_pushes: { key_id: string; last_push: string | null }[];
    };
    return Object.fromEntries(body.last_pushes.map(({ key_id, last_push }) => [key_id, last_push]));
  };
  const expectPushes = async (pushes: Record<string, string | null>): Promise<void> => {
    for (const url of [`${gateway.api}/api/status`, `${gateway.management}/state`]) {
      expect(await lastPushes(url)).toEqual(pushes);
    }
  };
  const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

  await expectPushes({ here: null, there: null });
  expect(await pushFrom("here", 7n)).toBe(200);
  expect(await pushFrom("there", 100n)).toBe(200);
  expect(await pushFrom("here", 8n)).toBe(200);
  expect(await pushFrom("spare", 1n)).toBe(401); // proves nothing, so it is nobody's
  await expectPushes({ here: at(3), there: at(2) });
  expect(await metric(gateway, "qrng_gateway_sequence_gaps_total")).toBe(0);
  await write("there", "spare");
  await eventually(async () => "spare" in (await lastPushes(`${gateway.management}/state`)));
  await expectPushes({ there: at(2), spare: null });
  expect(await pushFrom("there", 102n)).toBe(200);
  expect(await metric(gateway, "qrng_gateway_sequence_gaps_total")).toBe(1);
});

test("gaps in the sequence are counted, never refused", async () => {
  await using gateway = await startTestGateway({ push: immediate });
  const { audience } = gateway;
  for (const sequence of [5n, 6n, 9n, 0n, 1n]) {
    expect(await push(gateway, makePacket({ audience, sequence }))).toBe(200);
  }
  expect(await metric(gateway, "qrng_gateway_sequence_gaps_total")).toBe(2);
});

function mutationOf(valid: Buffer): fc.Arbitrary<Buffer> {
  // The id is unsigned on purpose: a packet with another one is still right.
  const idAt = valid[0] === 0x97 ? [4, 20] : [valid.indexOf('"id"'), valid.indexOf('"sequence"')];
  const flipped = fc
    .tuple(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }))
    .map(([at, bits]) => {
      const bytes = Buffer.from(valid);
      bytes[at >= idAt[0]! && at < idAt[1]! ? 0 : at]! ^= bits;
      return bytes;
    });
  const cut = fc.nat(valid.length - 1).map((length) => Buffer.from(valid.subarray(0, length)));
  const grown = fc
    .uint8Array({ maxLength: 9 })
    .map((tail) => Buffer.concat([valid, Buffer.from("x"), tail]));
  return fc.oneof(flipped, cut, grown);
}

async function chunkedPush(gateway: TestGateway, body: Buffer): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = { "content-type": "application/msgpack", "x-qrng-audience": gateway.audience };
  const sending = request(gateway.push, { method: "POST", headers }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  sending.on("error", reject);
  sending.write(body);
  sending.end();
  return promise;
}
