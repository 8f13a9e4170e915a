import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { signPacket } from "../../collector/push/packets.ts";
import { Audience } from "../../common/packet/signature.ts";
import { systemClock } from "../../common/clock.ts";
import { singleKeyRing } from "../../common/keys/keyRing.ts";
import { decodePacket } from "../../common/packet/msgpack.ts";
import { eventually } from "../helpers/eventually.ts";
import { encodeJsonPacket } from "../helpers/jsonPacket.ts";
import { exchange } from "./helpers/exchange.ts";
import { freePort } from "./helpers/ports.ts";
import { launch, type Program, valueOf } from "./helpers/program.ts";
import type { Push } from "./helpers/pushProxy.ts";
import { Rig, ringKeys, type RigOptions } from "./helpers/rig.ts";

// Packets of a real collector, captured on their way and sent again by somebody else.

/** A bound for a broken program: together they take 25 s on two idle cores. */
const timeout = 180_000;

/** Packets are fresh soon after a start, and stay so for the whole test. */
const options = {
  skew: 0,
  random: Math.random,
  gatewayPush: { window: { past: "30s", future: "200ms" } },
} satisfies RigOptions;

/** All spellings that a replay can have, each a body and headers. */
function spellings({ body, headers }: Push) {
  const claims = {
    audience: headers["x-qrng-audience"] as string | undefined,
    keyId: headers["x-qrng-key-id"] as string | undefined,
  };
  const json = encodeJsonPacket(decodePacket(body));
  return {
    exact: { send: body, type: "application/msgpack", ...claims },
    json: { send: json, type: "application/json", ...claims },
    otherKeyId: { send: body, type: "application/msgpack", ...claims, keyId: "unbound" },
    otherAudience: { send: body, type: "application/msgpack", ...claims, audience: "127.0.0.1:1" },
    noAudience: { send: body, type: "application/msgpack", audience: undefined, keyId: undefined },
    jsonNoAudience: { send: json, type: "application/json", audience: undefined, keyId: undefined },
  };
}

type Spelling = ReturnType<typeof spellings>["exact"];

async function post(gateway: Program, { send, type, audience, keyId }: Spelling) {
  const { status } = await exchange({
    url: `http://${gateway.address("push")}/push`,
    method: "POST",
    headers: {
      "content-type": type,
      "content-length": send.length,
      ...(audience === undefined ? {} : { "x-qrng-audience": audience }),
      ...(keyId === undefined ? {} : { "x-qrng-key-id": keyId }),
    },
    send,
  });
  return status;
}

/** The statuses that a push gets in all its spellings. */
async function replay(gateway: Program, push: Push): Promise<Record<string, number | undefined>> {
  const statuses: Record<string, number | undefined> = {};
  for (const [name, spelling] of Object.entries(spellings(push))) {
    statuses[name] = await post(gateway, spelling);
  }
  return statuses;
}

async function received(gateway: Program): Promise<number> {
  return valueOf(await gateway.metrics(), 'qrng_gateway_bytes_total{flow="received"}');
}

/** Some pushes with that answer, once the collector that sent them is gone. */
async function capture(rig: Rig, status: number, count = 3): Promise<readonly Push[]> {
  const matching = (): Push[] => rig.proxy.pushes.filter((push) => push.status === status);
  await eventually(() => matching().length >= count);
  await rig.killCollector();
  await rig.proxy.settled();
  return [...matching().slice(0, count - 1), ...matching().slice(-1)];
}

const claimed = { otherAudience: 401, noAudience: 401, jsonNoAudience: 401 };
const taken = { exact: 409, json: 409, otherKeyId: 409, ...claimed };
const stale = { exact: 410, json: 410, otherKeyId: 410, ...claimed };

describe.concurrent("a captured packet is never taken again", { timeout }, () => {
  test("by the gateway that took it, nor by it after a restart", async () => {
    await using rig = await Rig.start(options);
    const pushes = await capture(rig, 200);
    const before = await received(rig.gateway);
    for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(taken);
    await delay(3_000);
    for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(taken);
    expect(await received(rig.gateway)).toBe(before);

    await rig.killGateway();
    await rig.startGateway();
    for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(stale);
    await delay(3_000);
    for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(stale);
    expect(await received(rig.gateway)).toBe(0);
  });

  test("after a restart with the clock set back", async () => {
    await using rig = await Rig.start(options);
    const pushes = await capture(rig, 200);
    await rig.killGateway();
    await rig.startGateway(-8);
    // By its clock the packets are of the future, then of now, then of the past.
    for (let second = 0; second <= 10; second++) {
      for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(stale);
      await delay(1_000);
    }
    expect(await received(rig.gateway)).toBe(0);
  });

  test("by a second gateway with the same keys", async () => {
    await using rig = await Rig.start(options);
    const pushes = await capture(rig, 200);
    const config = rig.gatewayConfig();
    const address = `127.0.0.1:${await freePort()}`;
    const push = { ...config.push, listen_address: address, audience: undefined };
    await using second = await launch(
      "gateway",
      { ...config, listen_address: "127.0.0.1:0", push: { ...push, state_file: "second/horizon" } },
      rig,
    );
    for (const captured of pushes) {
      expect(Object.values(await replay(second, captured))).toEqual(Array(6).fill(401));
      const claim = { ...spellings(captured).exact, audience: second.address("push") };
      expect(await post(second, claim)).toBe(401);
    }
    expect(await received(second)).toBe(0);
  });

  test("when it was refused for want of room, also once there is room", async () => {
    await using rig = await Rig.start({ ...options, gateway: { buffer_size: "8KiB" } });
    await rig.drawer.stop();
    const pushes = await capture(rig, 507);
    await rig.drawer.drain();
    const before = await received(rig.gateway);
    const full = { exact: 507, json: 507, otherKeyId: 507, ...claimed };
    for (const push of pushes) expect(await replay(rig.gateway, push)).toEqual(full);
    expect(await received(rig.gateway)).toBe(before);
  });

  test("without an audience: 200 again, as v1 senders want it, but the bytes come in once", async () => {
    await using rig = await Rig.start({
      ...options,
      signing: "unbound",
      collectorPush: { peer: "v1" },
      gatewayPush: { ...options.gatewayPush, accept_unbound: true },
    });
    const pushes = await capture(rig, 200);
    const before = await received(rig.gateway);
    for (const push of pushes) {
      expect(await replay(rig.gateway, push)).toEqual({
        exact: 200,
        json: 200,
        otherKeyId: 200,
        otherAudience: 401,
        noAudience: 200,
        jsonNoAudience: 200,
      });
      const claim = { ...spellings(push).exact, audience: rig.proxy.address };
      expect(await post(rig.gateway, claim)).toBe(401);
    }
    expect(await received(rig.gateway)).toBe(before);
    await rig.drawer.drain();
    const blocks = rig.drawer.drawn.map(({ block }) => block);
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(blocks.length * 16).toBe(before);

    // What was signed for this very gateway does not pass for unbound.
    const { body } = signPacket(Buffer.alloc(64, 1), new Audience(rig.proxy.address), {
      ring: singleKeyRing(ringKeys.bound, ["bound"]),
      sequence: 1n,
      timestamp: systemClock.wall(),
    });
    const bare = { send: body, type: "application/msgpack", audience: undefined, keyId: undefined };
    expect(await post(rig.gateway, bare)).toBe(401);
    expect(await post(rig.gateway, { ...bare, audience: rig.proxy.address })).toBe(200);

    await rig.killGateway();
    await rig.startGateway();
    for (const push of pushes) {
      expect(await post(rig.gateway, spellings(push).exact)).toBe(410);
      expect(await post(rig.gateway, spellings(push).json)).toBe(410);
    }
    expect(await received(rig.gateway)).toBe(0);
  });
});
