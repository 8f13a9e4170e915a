import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ConfigError } from "../../../common/errors.ts";
import { parseKeyRingFile } from "../../../common/keys/keyRing.ts";
import { rotate, type RotationInput } from "../../../operator/signing/rotate.ts";
import type { GivenByUser } from "../../../operator/signing/source.ts";
import { timing, World } from "./world.ts";

const hex = (digit: string): string => digit.repeat(64);
const given = (text: string | undefined): GivenByUser => ({
  from: "secretRef",
  text,
  use: "bound",
});
const ringOf = (world: World) => parseKeyRingFile(world.stored["ring.json"]!);
const valuesOf = (world: World) => ringOf(world).keys.map(({ key }) => key);

function withGateways(count: number): World {
  const world = new World();
  world.operate();
  for (let n = 0; n < count; n++) world.addGateway(0);
  return world;
}

/** Reads everywhere and looks again until nothing is waited for. */
function settle(world: World): void {
  for (const seconds of [0, timing.propagationSeconds, 62, timing.overlapSeconds]) {
    world.pass(seconds);
    world.operate();
    world.readAll();
  }
}

test("publish, wait for reports, switch, overlap, retire: what is in the ring and when to look", () => {
  const world = withGateways(2);
  const old = ringOf(world).signing;
  expect(world.operate()).toMatchObject({
    steps: [],
    lookAgain: 900,
    status: { signingKeyId: old, reason: "Current", nextRotation: "2026-01-01T00:15:00.000Z" },
  });
  world.pass(900);
  const published = world.operate();
  const next = published.status.nextKeyId;
  expect(published.status).toMatchObject({ signingKeyId: old, reason: "WaitingForGateways" });
  expect(ringOf(world)).toMatchObject({ signing: old, keys: [{ id: old }, { id: next }] });
  expect(published.lookAgain).toBe(10);

  world.pass(100);
  world.readAll();
  expect(world.operate()).toMatchObject({ status: { reason: "Publishing" }, lookAgain: 20 });
  world.pass(61);
  expect(world.operate()).toMatchObject({ status: { reason: "Publishing" }, lookAgain: 1 });
  world.pass(1);
  expect(world.operate().status).toMatchObject({
    signingKeyId: next,
    leftKeyIds: [old],
    reason: "Overlapping",
  });
  world.pass(timing.overlapSeconds - 1);
  expect(world.operate().lookAgain).toBe(1);
  world.pass(1);
  expect(world.operate().status).toMatchObject({ signingKeyId: next, reason: "Current" });
  expect(ringOf(world).keys.map(({ id }) => id)).toEqual([next]);
});

test("a look at which nothing is due changes nothing, however often and wherever", () => {
  const world = withGateways(1);
  const before = world.stored;
  for (let n = 0; n < 5; n++) {
    world.pass(100);
    world.moveOperator();
    expect(world.operate()).toMatchObject({ content: before, steps: [] });
  }
  expect(world.stored).toBe(before);
});

test("a gateway that does not answer holds the switch up, and is named", () => {
  const world = withGateways(6);
  world.pass(900);
  world.operate();
  world.readAll();
  for (const gateway of world.gateways.slice(1)) gateway.reachable = false;
  world.pass(100_000);
  const { status, lookAgain } = world.operate();
  expect(status.message).toMatch(/missing: gateway-2, gateway-3, gateway-4 and 2 more$/);
  expect(lookAgain).toBe(10);
  expect(world.steps).not.toContain("KeySwitched");
  for (const gateway of world.gateways) gateway.reachable = true;
  world.operate();
  world.pass(62);
  expect(world.operate().status.reason).toBe("Overlapping");
});

test("a gateway that is new, or did not report for a while, starts the wait for clocks again", () => {
  const world = withGateways(2);
  world.pass(900);
  world.operate();
  world.readAll();
  world.operate();
  world.pass(1000);
  world.addGateway(0); // may have learnt the key just now
  expect(world.operate()).toMatchObject({ status: { reason: "Publishing" }, lookAgain: 62 });
  world.pass(61);
  world.gateways[0]!.reachable = false;
  expect(world.operate().status.reason).toBe("WaitingForGateways");
  world.gateways[0]!.reachable = true;
  world.pass(1000);
  expect(world.operate()).toMatchObject({ status: { reason: "Publishing" }, lookAgain: 62 });
  world.pass(62);
  expect(world.operate().status.reason).toBe("Overlapping");
});

test("without a gateway a rotation waits for one to run", () => {
  const world = withGateways(0);
  world.pass(900);
  world.operate();
  world.pass(100_000);
  expect(world.operate().status.message).toMatch(/^key \w+ waits for a gateway to run$/);
});

test("a clock that goes back a year does not put off the next rotation by a year", () => {
  const world = withGateways(1);
  world.stepClock(-31_536_000);
  expect(world.operate().lookAgain).toBe(900);
  world.pass(900);
  world.operate();
  expect(world.steps).toContain("KeyPublished");
});

test("revoking the signing key puts the next one in its place at once, or a new one", async () => {
  const world = withGateways(1);
  const first = ringOf(world);
  world.revokedKeyIds = [first.signing];
  const { steps, status } = world.operate();
  expect(steps.map(({ reason }) => reason)).toEqual(["KeyRevoked", "KeyCreated"]);
  expect(valuesOf(world)).not.toContain(first.keys[0]!.key);
  world.readAll();
  world.pass(10);
  expect(await world.push()).toEqual(["taken"]);

  world.pass(900);
  const next = world.operate().status.nextKeyId;
  world.revokedKeyIds = [first.signing, status.signingKeyId];
  expect(world.operate().status).toMatchObject({ signingKeyId: next, nextKeyId: undefined });
  expect(ringOf(world).keys.map(({ id }) => id)).toEqual([next]);
});

test("revoking the next key has another made; a key that was left is just dropped", () => {
  const world = withGateways(1);
  world.pass(900);
  const next = world.operate().status.nextKeyId!;
  world.revokedKeyIds = [next];
  const { status } = world.operate();
  expect(status.nextKeyId).toEqual(expect.not.stringMatching(next));
  world.readAll();
  world.pass(120);
  world.operate();
  world.pass(62);
  const left = world.operate().status.leftKeyIds;
  expect(left).toHaveLength(1);
  world.revokedKeyIds = [next, ...left];
  expect(world.operate().status).toMatchObject({ signingKeyId: status.nextKeyId, leftKeyIds: [] });
});

test("a key that secretRef still gives does not come back after it was revoked", () => {
  const world = new World();
  world.source = given(hex("a"));
  world.operate();
  expect(valuesOf(world)).toEqual([hex("a")]);
  world.revokedKeyIds = [ringOf(world).signing];
  for (let n = 0; n < 3; n++) {
    const { status } = world.operate();
    expect(status).toMatchObject({ reason: "SourceUnusable" });
    expect(status.message).toMatch(/revokedKeyIds names: put a new key there/);
    expect(valuesOf(world)).toEqual([expect.not.stringMatching(hex("a"))]);
  }
  world.addGateway(0);
  world.source = given(hex("b"));
  settle(world);
  expect(valuesOf(world)).toEqual([hex("b")]);
});

test("a revoked key of a given ring is known by the id that it has there", () => {
  const world = new World();
  const keys = [
    { id: "one", key: hex("1") },
    { id: "two", key: hex("2") },
  ];
  world.source = given(JSON.stringify({ version: 1, signing: "one", keys }));
  world.operate();
  expect(valuesOf(world)).toEqual([hex("1"), hex("2")]);
  world.revokedKeyIds = ["two"];
  world.operate();
  expect(valuesOf(world)).toEqual([hex("1")]);
});

test("a value of secretRef that changes is published, switched to, and the old one retired", () => {
  const world = new World();
  world.source = given(hex("a"));
  world.operate();
  world.addGateway(0);
  world.source = given(hex("B"));
  world.operate();
  expect(ringOf(world)).toMatchObject({ keys: [{ key: hex("a") }, { key: hex("b") }] });
  expect(world.steps.at(-1)).toBe("KeyPublished");
  settle(world);
  expect(valuesOf(world)).toEqual([hex("b")]);
  world.source = { from: "operator", rotationSeconds: undefined, unbound: false };
  world.operate();
  expect(valuesOf(world)).toEqual([hex("b")]);
});

test("a value that was withdrawn comes back under a new id, which no gateway knows yet", () => {
  const world = new World();
  const nextIds = ["a", "b", "a", "b"].map((digit) => {
    world.source = given(hex(digit));
    return world.operate().status.nextKeyId;
  });
  expect(nextIds).toEqual([undefined, expect.any(String), undefined, expect.any(String)]);
  expect(nextIds[3]).not.toBe(nextIds[1]);
  expect(world.steps).toContain("KeyWithdrawn");
});

test("more values than a ring can hold wait until one has retired", () => {
  const world = new World();
  world.source = given(hex("0"));
  world.operate();
  world.addGateway(0);
  for (const digit of ["1", "2", "3", "4"]) {
    world.source = given(hex(digit));
    world.operate();
    world.readAll();
    world.pass(120);
    world.operate();
    world.pass(62);
    world.operate();
    world.readAll();
  }
  expect(valuesOf(world)).not.toContain(hex("4"));
  expect(world.operate().status.message).toMatch(/a new key waits until one of them ends$/);
  world.pass(240);
  world.operate();
  expect(valuesOf(world)).toContain(hex("4"));
});

test.each([
  ["not there", undefined, /is not there/],
  ["no key", "secret-text", /must hold 32 to 64 bytes as hex/],
  ["a short key", "ab".repeat(31), /must hold 32 to 64 bytes as hex/],
  ["a broken ring", "{secret-text", /key ring: not JSON/],
  ["a ring with an end", ringText({ notAfter: "2030-01-01T00:00:00Z" }), /notAfter: leave it out/],
])("a secretRef that is %s: the ring stays, the status says what to do", (_, text, message) => {
  const world = withGateways(1);
  world.source = given(text);
  const { status, steps } = world.operate();
  expect(steps).toEqual([]);
  expect(status).toMatchObject({
    reason: "SourceUnusable",
    message: expect.stringMatching(message),
  });
  expect(status.message).not.toContain("secret-text");

  const empty = new World();
  empty.source = given(text);
  expect(() => empty.operate()).toThrow(ConfigError);
  expect(() => empty.operate()).toThrow(message);
});

function ringText(more: object): string {
  const key = { id: "one", key: hex("1"), ...more };
  return JSON.stringify({ version: 1, signing: "one", keys: [key] });
}

test("a bridge that takes v1 packets has a key for them, which rotation leaves alone", () => {
  const world = new World();
  world.source = { from: "operator", rotationSeconds: 900, unbound: true };
  world.operate();
  world.addGateway(0);
  const unbound = ringOf(world).keys.filter(({ use }) => use === "unbound");
  expect(unbound).toHaveLength(1);
  world.pass(900);
  world.operate();
  settle(world);
  expect(world.steps).toContain("KeyRetired");
  expect(ringOf(world).keys.filter(({ use }) => use === "unbound")).toEqual(unbound);
  world.source = { from: "operator", rotationSeconds: undefined, unbound: false };
  settle(world);
  settle(world);
  expect(ringOf(world).keys.filter(({ use }) => use === "unbound")).toEqual([]);
});

/** One half of a bridge whose other half is in another cluster. */
function half(users: RotationInput["users"]) {
  let stored: RotationInput["stored"] = {};
  return (text: string, seconds: number) => {
    const { content, status } = rotate({
      stored,
      source: given(text),
      users,
      timing,
      revokedKeyIds: [],
      now: { wall: seconds * 1000, moment: { boot: "b", seconds } },
      random: randomBytes,
    });
    stored = content;
    const ring = parseKeyRingFile(content["ring.json"]);
    const signing = ring.keys.find(({ id }) => id === ring.signing)!.key;
    return { keys: ring.keys.map(({ key }) => key), signing, status };
  };
}

test("with its gateways elsewhere a collector signs with a new key after propagationSeconds", () => {
  const look = half({ collector: "here", gateways: "elsewhere" });
  look(hex("a"), 0);
  expect(look(hex("b"), 1000)).toMatchObject({
    signing: hex("a"),
    status: { reason: "Publishing" },
  });
  expect(look(hex("b"), 1119).signing).toBe(hex("a"));
  expect(look(hex("b"), 1120).signing).toBe(hex("b"));
});

test("with its collector elsewhere a gateway accepts every given key, and old ones for the overlap", () => {
  const look = half({ collector: "elsewhere", gateways: [] });
  look(hex("a"), 0);
  expect(look(hex("b"), 1000).keys).toEqual([hex("a"), hex("b")]);
  expect(look(hex("c"), 1001).keys).toEqual([hex("a"), hex("b"), hex("c")]);
  expect(look(hex("c"), 1600).keys).toEqual([hex("b"), hex("c")]);
  expect(look(hex("c"), 1601).keys).toEqual([hex("c")]);
});
