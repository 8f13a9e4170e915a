import { describe, expect, test } from "vitest";
import type { KeyRing } from "../../common/keys/keyRing.ts";
import { maxInstances } from "../../collector/push/pusher.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeKey, packetBytes, ringOf, startPushing } from "./helpers/pushing.ts";
import {
  startScriptedGateway,
  startTwoGateways,
  type Answer,
  type Push,
  type ScriptedGateway,
} from "./helpers/scriptedGateway.ts";

const key = makeKey("first");
const keys = { first: key.secret };
const ring = (): KeyRing => ringOf(key);

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);
const dataOf = (pushes: readonly Push[]): string[] => pushes.map(({ data }) => data);
const distinct = (values: readonly unknown[]): number => new Set(values).size;

/** Answers in turn, then 200 for good. */
function inTurn(...answers: Answer[]): () => Answer {
  return () => answers.shift() ?? 200;
}

async function untilPushes(count: number, ...gateways: ScriptedGateway[]): Promise<void> {
  await eventually(() => gateways.reduce((sum, { pushes }) => sum + pushes.length, 0) >= count);
}

describe.each([
  [200, "taken"],
  [409, "seen"],
] as const)("%i", (status, outcome) => {
  test("the bytes are delivered: counted, zeroed and never sent again", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => status);
    await using pushing = startPushing({ port: gateway.port, ring });
    const added = [pushing.add(), pushing.add(), pushing.add()];
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(gateway.pushes)).toEqual(added.map(({ data }) => data));
    expect(added.every(({ chunk }) => isZero(chunk))).toBe(true);
    expect(pushing.pusher.outcomes.get(outcome)).toBe(3);
    expect(pushing.pusher.outcomes.total()).toBe(3);
    expect(pushing.pusher.deliveredBytes()).toBe(3 * packetBytes);
    expect(pushing.accumulator.lost.total()).toBe(0);
    expect(gateway.connections()).toBe(1);
  });
});

describe("full", () => {
  test("the same bytes are signed anew until there is room", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(inTurn(507, 507));
    await using pushing = startPushing({ port: gateway.port, ring });
    const { data, chunk } = pushing.add();
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(gateway.pushes)).toEqual([data, data, data]);
    expect(distinct(gateway.pushes.map(({ signature }) => signature))).toBe(3);
    expect(distinct(gateway.pushes.map(({ body }) => body))).toBe(3);
    expect(isZero(chunk)).toBe(true);
    expect(pushing.pusher.outcomes.get("full")).toBe(2);
    expect(pushing.pusher.deliveredBytes()).toBe(packetBytes);
  });

  test("the other instance gets them, signed for it", async () => {
    const [full, roomy] = await startTwoGateways(keys);
    await using _full = full;
    await using _roomy = roomy;
    full.answer(() => 507);
    await using pushing = startPushing({
      port: full.port,
      ring,
      resolve: async () => ["127.0.0.1", "127.0.0.2"],
    });
    const added = [pushing.add(), pushing.add(), pushing.add(), pushing.add()];
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(new Set(dataOf(roomy.pushes))).toEqual(new Set(added.map(({ data }) => data)));
    expect(roomy.pushes.length).toBe(added.length);
    expect(full.pushes.length).toBeGreaterThan(0);
    const signatures = [...full.pushes, ...roomy.pushes].map(({ signature }) => signature);
    expect(distinct(signatures)).toBe(signatures.length);
  });
});

test("a full gateway is asked again within a second, however long it was full", async () => {
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(() => 507);
  await using pushing = startPushing({
    port: gateway.port,
    ring,
    push: { backoff_min: 30_000, backoff_max: 30_000 },
    pause: 0.5,
  });
  pushing.add();
  await untilPushes(3, gateway);
});

test("one that fails otherwise rests for its backoff, and counts as resting", async () => {
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(() => 401);
  await using pushing = startPushing({
    port: gateway.port,
    ring,
    push: { backoff_min: 600_000, backoff_max: 600_000 },
    pause: 0.99,
  });
  const instances = (): string => JSON.stringify(pushing.pusher.instances());
  await eventually(() => instances() === '{"known":1,"resting":0}');
  pushing.add();
  pushing.add();
  await eventually(() => instances() === '{"known":1,"resting":1}');
  expect(gateway.pushes.length).toBe(1);
});

describe("unreachable", () => {
  test("a gateway that comes up later gets everything, in order", async () => {
    const gone = await startScriptedGateway({ keys });
    await gone[Symbol.asyncDispose]();
    await using pushing = startPushing({ port: gone.port, ring });
    const added = [pushing.add(), pushing.add()];
    await eventually(() => pushing.pusher.outcomes.get("unreachable") >= 5);
    await using gateway = await startScriptedGateway({ keys, port: gone.port });
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(gateway.pushes)).toEqual(added.map(({ data }) => data));
    // Signed when it is sent, not when it was first tried.
    expect(gateway.pushes[0]!.sequence - gateway.pushes[1]!.sequence).toBe(-1n);
    expect(pushing.captured.messages()).toEqual([
      "gateway did not take a packet",
      "gateway takes packets",
    ]);
  });

  test("the instance that is up gets what the other cannot", async () => {
    await using gateway = await startScriptedGateway({ keys, host: "127.0.0.2" });
    await using pushing = startPushing({
      port: gateway.port,
      ring,
      resolve: async () => ["127.0.0.1", "127.0.0.2"],
    });
    const added = [pushing.add(), pushing.add(), pushing.add()];
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(new Set(dataOf(gateway.pushes))).toEqual(new Set(added.map(({ data }) => data)));
    expect(pushing.accumulator.lost.total()).toBe(0);
  });
});

describe.each([
  ["refused", 400],
  ["refused", 401],
  ["refused", 410],
  ["refused", 429],
  ["refused", 503],
  ["misdirected", 307],
] as const)("%s with %i", (outcome, status) => {
  test("rests until the window and the clocks' skew are over, then is signed anew", async () => {
    await using gateway = await startScriptedGateway({ keys });
    await using pushing = startPushing({ port: gateway.port, ring });
    gateway.answer(() => {
      pushing.clock.advance(100); // what counts is when it was signed, not when it was refused
      gateway.answer(() => 200);
      return status;
    });
    const due = pushing.clock.monotonic() + 30_000 + 60_000;
    const { data, chunk } = pushing.add();
    await untilPushes(1, gateway);
    const before = pushing.add().data;
    await untilPushes(2, gateway);
    await eventually(() => pushing.pusher.outcomes.get("taken") === 1);
    pushing.clock.advance(due - 1 - pushing.clock.monotonic());
    const justBefore = pushing.add().data;
    await untilPushes(3, gateway);
    // What rested long enough goes first: it cannot have been due.
    expect(dataOf(gateway.pushes)).toEqual([data, before, justBefore]);
    expect(isZero(chunk)).toBe(false);
    pushing.clock.advance(1);
    const after = pushing.add().data;
    await untilPushes(5, gateway);
    expect(dataOf(gateway.pushes).slice(3)).toEqual([data, after]);
    const [first, , , again] = gateway.pushes;
    expect(again!.signature).not.toBe(first!.signature);
    expect(again!.timestamp - first!.timestamp).toBe(90_000_000_000n);
    expect(again!.sequence).toBeGreaterThan(first!.sequence);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(isZero(chunk)).toBe(true);
    expect(pushing.pusher.outcomes.get(outcome)).toBe(1);
  });
});

describe("unknown", () => {
  test.each([
    [200, "taken"],
    [409, "seen"],
  ] as const)("the same bytes again, whatever else comes, until %i", async (status, outcome) => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(inTurn("reset", 500, 502, 503, 400, 401, 410, 429, 302, 201, "reset", status));
    await using pushing = startPushing({ port: gateway.port, ring });
    const { data, chunk } = pushing.add();
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(gateway.pushes.length).toBe(12);
    expect(distinct(gateway.pushes.map(({ body }) => body))).toBe(1);
    expect(gateway.pushes[0]!.data).toBe(data);
    expect(isZero(chunk)).toBe(true);
    expect(pushing.pusher.outcomes.get(outcome)).toBe(1);
    expect(pushing.pusher.deliveredBytes()).toBe(packetBytes);
    expect(pushing.accumulator.lost.total()).toBe(0);
  });

  test("507 settles it: the gateway will never take that signature, so it is signed anew", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(inTurn("reset", 503, 507));
    await using pushing = startPushing({ port: gateway.port, ring });
    pushing.add();
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    const signatures = gateway.pushes.map(({ signature }) => signature);
    expect(signatures.slice(0, 3)).toEqual(Array(3).fill(signatures[0]));
    expect(signatures[3]).not.toBe(signatures[0]);
    expect(signatures.length).toBe(4);
  });

  test("after the window the bytes are dropped, counted and never sent again", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => "reset");
    await using pushing = startPushing({ port: gateway.port, ring });
    const { data, chunk } = pushing.add();
    await eventually(() => pushing.accumulator.lost.get("unknown") === packetBytes);
    expect(isZero(chunk)).toBe(true);
    expect(distinct(gateway.pushes.map(({ body }) => body))).toBe(1);
    expect(gateway.pushes.length).toBe(30); // one in each second of the window
    gateway.answer(() => 200);
    pushing.clock.advance(600_000);
    const next = pushing.add();
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(gateway.pushes.slice(30))).toEqual([next.data]);
    expect(next.data).not.toBe(data);
    expect(pushing.pusher.deliveredBytes()).toBe(packetBytes);
  });

  test("only the instance that may have them gets them; the other goes on", async () => {
    const [broken, sound] = await startTwoGateways(keys);
    await using _broken = broken;
    await using _sound = sound;
    let heals = false;
    broken.answer(() => (heals ? 409 : "reset"));
    await using pushing = startPushing({
      port: broken.port,
      ring,
      push: { window: 3_600_000 },
      resolve: async () => ["127.0.0.1", "127.0.0.2"],
    });
    const first = pushing.add().data;
    await untilPushes(3, broken);
    const others = [pushing.add(), pushing.add(), pushing.add()].map(({ data }) => data);
    await untilPushes(3, sound);
    heals = true;
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(sound.pushes)).toEqual(others);
    expect(distinct(broken.pushes.map(({ body }) => body))).toBe(1);
    expect(broken.pushes[0]!.data).toBe(first);
  });

  test("a gateway that is gone meanwhile gets the same bytes when it is back", async () => {
    const first = await startScriptedGateway({ keys });
    first.answer(() => "reset");
    await using pushing = startPushing({
      port: first.port,
      ring,
      push: { window: 3_600_000 },
    });
    pushing.add();
    await untilPushes(1, first);
    await first[Symbol.asyncDispose]();
    await eventually(() => pushing.pusher.outcomes.get("unreachable") >= 2);
    await using back = await startScriptedGateway({ keys, port: first.port });
    back.answer(() => 409);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(back.pushes.map(({ body }) => body)).toEqual([first.pushes[0]!.body]);
  });
});

describe("when a source of theirs is revoked", () => {
  test("bytes are not repeated after an unknown outcome", async () => {
    await using gateway = await startScriptedGateway({ keys });
    await using pushing = startPushing({ port: gateway.port, ring, push: { window: 3_600_000 } });
    gateway.answer(() => {
      if (gateway.pushes.length === 3) pushing.accumulator.revoke(0b10);
      return "reset";
    });
    const { chunk } = pushing.add(0b11);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(pushing.accumulator.lost.get("alarm")).toBe(packetBytes);
    expect(isZero(chunk)).toBe(true);
    expect(gateway.pushes.length).toBe(3);
  });

  test.each([507, 401, 307] as const)("bytes that got %i are never signed anew", async (status) => {
    await using gateway = await startScriptedGateway({ keys });
    await using pushing = startPushing({ port: gateway.port, ring });
    gateway.answer(() => {
      gateway.answer(() => 200);
      pushing.accumulator.revoke(0b01);
      return status;
    });
    pushing.add(0b01);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    pushing.clock.advance(90_000);
    const next = pushing.add(0b01);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(dataOf(gateway.pushes).slice(1)).toEqual([next.data]);
    expect(pushing.accumulator.lost.get("alarm")).toBe(packetBytes);
  });

  test("bytes that are taken all the same count as delivered", async () => {
    await using gateway = await startScriptedGateway({ keys });
    await using pushing = startPushing({ port: gateway.port, ring });
    gateway.answer(() => {
      pushing.accumulator.revoke(0b01);
      return 200;
    });
    pushing.add(0b01);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    expect(pushing.pusher.deliveredBytes()).toBe(packetBytes);
    expect(pushing.accumulator.lost.total()).toBe(0);
  });
});

describe("a v1 peer", () => {
  const v1 = { peer: "v1" } as const;

  test("gets packets without an audience, under the key itself", async () => {
    await using gateway = await startScriptedGateway({ keys, audience: "none" });
    await using pushing = startPushing({ port: gateway.port, ring, push: v1 });
    const { data } = pushing.add();
    await untilPushes(1, gateway);
    expect(dataOf(gateway.pushes)).toEqual([data]);
  });

  test.each(["reset", 500] as const)(
    "never gets again what ended as unknown: %s",
    async (answer) => {
      await using gateway = await startScriptedGateway({ keys, audience: "none" });
      gateway.answer(inTurn(answer));
      await using pushing = startPushing({ port: gateway.port, ring, push: v1 });
      const lost = pushing.add();
      const next = pushing.add();
      await eventually(() => pushing.accumulator.heldBytes() === 0);
      expect(dataOf(gateway.pushes)).toEqual([lost.data, next.data]);
      expect(isZero(lost.chunk)).toBe(true);
      expect(pushing.accumulator.lost.get("unknown")).toBe(packetBytes);
    },
  );

  test("gets what it had no room for signed anew, and what it refused after a rest", async () => {
    await using gateway = await startScriptedGateway({ keys, audience: "none" });
    gateway.answer(inTurn(507, 401));
    await using pushing = startPushing({ port: gateway.port, ring, push: v1 });
    const { data } = pushing.add();
    await untilPushes(2, gateway);
    const other = pushing.add().data;
    await untilPushes(3, gateway);
    pushing.clock.advance(90_000);
    const last = pushing.add().data;
    await untilPushes(5, gateway);
    expect(dataOf(gateway.pushes)).toEqual([data, data, other, data, last]);
    expect(distinct(gateway.pushes.map(({ signature }) => signature))).toBe(5);
  });
});

test("when the ring changes, new packets have the new key and repeats stay as they are", async () => {
  const next = makeKey("second");
  let current = ringOf(key);
  await using gateway = await startScriptedGateway({
    keys: { first: key.secret, second: next.secret },
  });
  await using pushing = startPushing({
    port: gateway.port,
    ring: () => current,
    push: { window: 3_600_000 },
  });
  pushing.add();
  await untilPushes(1, gateway);
  let settled = false;
  gateway.answer(() => (settled ? 200 : "reset"));
  pushing.add();
  await untilPushes(3, gateway);
  current = ringOf(next, key);
  const before = gateway.pushes.length;
  await untilPushes(before + 3, gateway); // goes on under the old key
  settled = true;
  await eventually(() => pushing.accumulator.heldBytes() === 0);
  const repeats = gateway.pushes.slice(1);
  expect(distinct(repeats.map(({ body }) => body))).toBe(1);
  expect(repeats[0]!.keyId).toBe("first");
  pushing.add();
  await eventually(() => pushing.accumulator.heldBytes() === 0);
  expect(gateway.pushes.at(-1)!.keyId).toBe("second");
});

describe("audience", () => {
  const cases = [
    ["address", "127.0.0.1"],
    ["url", "localhost"],
  ] as const;
  test.each(cases)("%s: packets are signed for %s", async (audience, host) => {
    // A port that is free, so that the gateway can be told its audience before it starts.
    const free = await startScriptedGateway({ keys });
    await free[Symbol.asyncDispose]();
    await using gateway = await startScriptedGateway({
      keys,
      port: free.port,
      audience: `${host}:${free.port}`,
    });
    await using pushing = startPushing({
      port: gateway.port,
      host: "localhost",
      ring,
      push: { audience },
    });
    pushing.add();
    await untilPushes(1, gateway);
  });

  test.each(["address", "url"] as const)("%s: IPv6 stands in brackets", async (audience) => {
    const started = startScriptedGateway({ keys, host: "::1" }).catch(() => undefined);
    await using gateway = await started;
    if (gateway === undefined) return; // this machine has no IPv6
    expect(gateway.instance).toBe(`[::1]:${gateway.port}`);
    await using pushing = startPushing({
      port: gateway.port,
      host: "[::1]",
      ring,
      push: { audience },
      resolve: async () => ["::1"],
    });
    pushing.add();
    await untilPushes(1, gateway);
  });
});

describe("instances", () => {
  test("take turns", async () => {
    const [one, two] = await startTwoGateways(keys);
    await using _one = one;
    await using _two = two;
    const order: string[] = [];
    for (const gateway of [one, two]) {
      gateway.answer(({ instance }) => {
        order.push(instance);
        return 200;
      });
    }
    await using pushing = startPushing({
      port: one.port,
      ring,
      resolve: async () => ["127.0.0.1", "127.0.0.2"],
    });
    for (let packet = 0; packet < 8; packet++) {
      pushing.add();
      await eventually(() => pushing.accumulator.heldBytes() === 0);
    }
    expect(order).toEqual([1, 2, 3, 4].flatMap(() => [one.instance, two.instance]));
  });

  test("that vanish from DNS get no more, that come back get their share again", async () => {
    const [one, two] = await startTwoGateways(keys);
    await using _one = one;
    await using _two = two;
    let addresses = ["127.0.0.1", "127.0.0.2"];
    let resolved = 0;
    await using pushing = startPushing({
      port: one.port,
      ring,
      resolve: async () => {
        resolved += 1;
        return addresses;
      },
    });
    const resolvedAgain = async (): Promise<unknown> => {
      const before = resolved;
      return eventually(() => resolved >= before + 2);
    };
    const push = async (count: number): Promise<void> => {
      for (let packet = 0; packet < count; packet++) {
        pushing.add();
        await eventually(() => pushing.accumulator.heldBytes() === 0);
      }
    };
    await push(2);
    expect([one.pushes.length, two.pushes.length]).toEqual([1, 1]);
    addresses = ["127.0.0.2"];
    await resolvedAgain();
    await push(4);
    expect([one.pushes.length, two.pushes.length]).toEqual([1, 5]);
    addresses = ["127.0.0.1", "127.0.0.2"];
    await resolvedAgain();
    await push(4);
    expect([one.pushes.length, two.pushes.length]).toEqual([3, 7]);
  });

  test("that vanish with an unknown outcome get the same bytes still, and then no more", async () => {
    const [one, two] = await startTwoGateways(keys);
    await using _one = one;
    await using _two = two;
    one.answer(() => "reset");
    let addresses = ["127.0.0.1", "127.0.0.2"];
    let resolved = 0;
    await using pushing = startPushing({
      port: one.port,
      ring,
      push: { window: 3_600_000 },
      resolve: async () => {
        resolved += 1;
        return addresses;
      },
    });
    pushing.add();
    await untilPushes(2, one);
    addresses = ["127.0.0.2"];
    const before = resolved;
    await eventually(() => resolved >= before + 2);
    await untilPushes(one.pushes.length + 2, one);
    one.answer(() => 200);
    await eventually(() => pushing.accumulator.heldBytes() === 0);
    const all = one.pushes.length;
    expect(distinct(one.pushes.map(({ body }) => body))).toBe(1);
    for (let packet = 0; packet < 4; packet++) {
      pushing.add();
      await eventually(() => pushing.accumulator.heldBytes() === 0);
    }
    expect([one.pushes.length, two.pushes.length]).toEqual([all, 4]);
  });

  test("are bounded, whatever a resolver answers", async () => {
    const many = Array.from({ length: 300 }, (_, index) => `127.1.${index >> 8}.${index & 255}`);
    const start = many.length;
    await using pushing = startPushing({
      port: 1,
      ring,
      resolve: async () => {
        many.push(many.shift()!); // in another order each time, as resolvers do
        return many;
      },
    });
    await eventually(() => pushing.pusher.instances().known > 0);
    const first = many[0];
    await eventually(() => many[0] !== first);
    expect(many.length).toBe(start);
    expect(pushing.pusher.instances()).toEqual({ known: maxInstances, resting: 0 });
  });

  test("stay as they are while the name cannot be resolved, which is logged once", async () => {
    await using gateway = await startScriptedGateway({ keys });
    let failures = 0;
    let broken = false;
    await using pushing = startPushing({
      port: gateway.port,
      ring,
      resolve: async () => {
        if (!broken) return ["127.0.0.1"];
        failures += 1;
        throw Object.assign(new Error("getaddrinfo ENOTFOUND secret.example"), {
          code: "ENOTFOUND",
        });
      },
    });
    pushing.add();
    await untilPushes(1, gateway);
    broken = true;
    await eventually(() => failures >= 3);
    pushing.add();
    await untilPushes(2, gateway);
    const lines = pushing.captured.lines().filter(({ level }) => level === "warn");
    expect(lines.map(({ code }) => code)).toEqual(["ENOTFOUND"]);
    expect(pushing.captured.text()).not.toContain("secret.example");
  });
});

test("with several URLs, each has its instances, and what one does not take goes to another", async () => {
  await using full = await startScriptedGateway({ keys });
  await using other = await startScriptedGateway({ keys });
  full.answer(() => 507);
  await using pushing = startPushing({ port: full.port, morePorts: [other.port], ring });
  await eventually(() => pushing.pusher.instances().known === 2);
  const sent = [1, 2, 3, 4].map(() => pushing.add().data);
  await eventually(() => new Set(other.pushes.map(({ data }) => data)).size === 4);
  expect(other.pushes.map(({ data }) => data).toSorted()).toEqual(sent.toSorted());
});

describe("stop", () => {
  test("ends at once: what is under way is cut, zeroed and counted", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => "hang");
    await using pushing = startPushing({ port: gateway.port, ring, push: { timeout: 3_600_000 } });
    const { chunk } = pushing.add();
    await untilPushes(1, gateway);
    await pushing.pusher.stop();
    expect(pushing.accumulator.lost.get("shutdown")).toBe(packetBytes);
    expect(pushing.accumulator.heldBytes()).toBe(0);
    expect(isZero(chunk)).toBe(true);
  });

  test("ends a pause between repeats", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => "reset");
    await using pushing = startPushing({ port: gateway.port, ring, push: { window: 3_600_000 } });
    pushing.add();
    await untilPushes(2, gateway);
    await pushing.pusher.stop();
    expect(pushing.accumulator.lost.get("shutdown")).toBe(packetBytes);
    expect(distinct(gateway.pushes.map(({ body }) => body))).toBe(1);
  });

  test("a packet that is taken at the last moment counts as delivered, not as lost", async () => {
    await using gateway = await startScriptedGateway({ keys });
    const stopped = Promise.withResolvers<void>();
    await using pushing = startPushing({ port: gateway.port, ring });
    gateway.answer(() => {
      void pushing.pusher.stop().then(stopped.resolve);
      return 200;
    });
    pushing.add();
    await stopped.promise;
    const { lost } = pushing.accumulator;
    expect(pushing.pusher.deliveredBytes() + lost.get("shutdown")).toBe(packetBytes);
    expect(pushing.accumulator.heldBytes()).toBe(0);
  });

  test("with a flush before, what fills no packet goes out too", async () => {
    await using gateway = await startScriptedGateway({ keys });
    await using pushing = startPushing({
      port: gateway.port,
      ring,
      push: { packet_age: 60_000 },
    });
    pushing.accumulator.add(Buffer.alloc(10, 1), pushing.clock.monotonic());
    pushing.add();
    await untilPushes(1, gateway);
    pushing.accumulator.flush();
    await pushing.accumulator.untilEmpty(new AbortController().signal);
    await pushing.pusher.stop();
    expect(gateway.pushes.map(({ data }) => data.length / 2)).toEqual([packetBytes, 10]);
    expect(pushing.accumulator.lost.total()).toBe(0);
  });

  test("after the grace period the rest is zeroed and counted", async () => {
    await using gateway = await startScriptedGateway({ keys });
    gateway.answer(() => "hang");
    await using pushing = startPushing({ port: gateway.port, ring, push: { timeout: 3_600_000 } });
    const added = [pushing.add(), pushing.add(), pushing.add()];
    await untilPushes(1, gateway);
    pushing.accumulator.flush();
    await pushing.accumulator.untilEmpty(AbortSignal.timeout(20));
    await pushing.pusher.stop();
    pushing.accumulator.close();
    expect(pushing.accumulator.lost.get("shutdown")).toBe(3 * packetBytes);
    expect(pushing.accumulator.heldBytes()).toBe(0);
    expect(added.every(({ chunk }) => isZero(chunk))).toBe(true);
  });
});

test("sequence numbers start at the boot time in µs and rise by one with each signature", async () => {
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(inTurn(200, 507, "reset", 200, 401));
  await using pushing = startPushing({ port: gateway.port, ring });
  const boot = BigInt(Date.UTC(2026, 0, 1)) * 1000n;
  for (let packet = 0; packet < 4; packet++) pushing.add();
  await untilPushes(6, gateway);
  const offsets = gateway.pushes.slice(0, 6).map(({ sequence }) => sequence - boot);
  expect(offsets).toEqual([0n, 1n, 2n, 2n, 3n, 4n]); // the fourth is a repeat
});

test("the stamp is the moment of signing", async () => {
  await using gateway = await startScriptedGateway({ keys });
  await using pushing = startPushing({ port: gateway.port, ring });
  pushing.clock.advance(123_456);
  pushing.add();
  await untilPushes(1, gateway);
  expect(gateway.pushes[0]!.timestamp).toBe(pushing.clock.wall());
});

test("logs name the instance and the outcome, one line per change, and no byte of a packet", async () => {
  await using gateway = await startScriptedGateway({ keys });
  gateway.answer(inTurn(200, 200, 507, 507, "reset", 200, 200));
  await using pushing = startPushing({ port: gateway.port, ring });
  const added = [pushing.add(), pushing.add(), pushing.add(), pushing.add()];
  await eventually(() => pushing.accumulator.heldBytes() === 0);
  const { instance } = gateway;
  expect(pushing.captured.lines()).toMatchObject([
    { level: "info", message: "gateway takes packets", instance },
    { level: "warn", message: "gateway did not take a packet", instance, outcome: "full" },
    { level: "warn", message: "gateway did not take a packet", instance, outcome: "unknown" },
    { level: "info", message: "gateway takes packets", instance },
  ]);
  for (const { data } of added) {
    expect(pushing.captured.text()).not.toContain(data.slice(0, 16));
    const base64 = Buffer.from(data, "hex").toString("base64");
    expect(pushing.captured.text()).not.toContain(base64.slice(0, 12));
  }
});

test("refusals are logged once for each key that was signed with, by its id", async () => {
  const next = makeKey("second");
  let current = ringOf(key);
  await using gateway = await startScriptedGateway({
    keys: { first: key.secret, second: next.secret },
  });
  gateway.answer(() => 401);
  await using pushing = startPushing({ port: gateway.port, ring: () => current });
  const push = async (): Promise<void> => {
    const before = gateway.pushes.length;
    pushing.add();
    await untilPushes(before + 1, gateway);
    await eventually(() => pushing.pusher.outcomes.total() === before + 1);
  };
  for (let packet = 0; packet < 3; packet++) await push();
  current = ringOf(next, key);
  for (let packet = 0; packet < 3; packet++) await push();
  gateway.answer(() => 200);
  await push();
  const message = "gateway refuses packets";
  const check = expect.stringContaining("whether the gateway knows this key id");
  const { instance } = gateway;
  expect(pushing.captured.lines()).toEqual([
    expect.objectContaining({ level: "warn", message, check, instance, keyId: "first" }),
    expect.objectContaining({ level: "warn", message, check, instance, keyId: "second" }),
    expect.objectContaining({ level: "info", message: "gateway takes packets", instance }),
  ]);
});
