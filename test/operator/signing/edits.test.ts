import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "../../../common/errors.ts";
import { maxRingKeys, parseKeyRing, parseKeyRingFile } from "../../../common/keys/keyRing.ts";
import type { RingContent } from "../../../operator/signing/book.ts";
import { hexOf, timing, World } from "./world.ts";

type Stored = Partial<RingContent>;
interface Ring {
  version: 1;
  signing: string;
  keys: { id: string; key: string; use?: string; notAfter?: string }[];
}

/** What somebody with `kubectl edit` can do to ring.json, and does to state.json. */
const edits: Record<string, (ring: Ring, which: number) => void> = {
  "removes a key": (ring, which) => void ring.keys.splice(which % ring.keys.length, 1),
  "lets another key sign": (ring, which) => {
    ring.signing = ring.keys[which % ring.keys.length]!.id;
  },
  "adds a key that signs": (ring, which) => {
    ring.keys.push({ id: `mine-${which}`, key: `e${which % 8}`.repeat(32) });
    ring.signing = ring.keys.at(-1)!.id;
  },
  "changes a key's value": (ring, which) => {
    ring.keys[which % ring.keys.length]!.key = `F${which % 8}`.repeat(32);
  },
  "changes a key's id": (ring, which) => {
    ring.keys[which % ring.keys.length]!.id = "renamed";
  },
  "gives two keys the same id": (ring) => {
    ring.keys.push({ id: ring.keys[0]!.id, key: "ab".repeat(32) });
  },
  "names a signing key that is not there": (ring) => void (ring.signing = "nobody"),
  "lets a key end": (ring, which) => {
    ring.keys[which % ring.keys.length]!.notAfter = "2020-01-01T00:00:00Z";
  },
};

const stateEdits: Record<string, (text: string) => string | undefined> = {
  "is removed": () => undefined,
  "is cut": (text) => text.slice(0, text.length / 2),
  "has times in the future": (text) =>
    text
      .replaceAll(/"seconds": [\d.]+/g, '"seconds": 99999999')
      .replace(/"switched": "\d+/, '"switched": "2999'),
  "names a signing key that is not there": (text) =>
    text.replace(/"signing": "\w+"/, '"signing": "nobody"'),
};

function editRing(stored: Stored, name: string, which: number): Stored {
  const ring = JSON.parse(stored["ring.json"] ?? "") as Ring;
  edits[name]!(ring, which);
  return { ...stored, "ring.json": JSON.stringify(ring) };
}

const event = fc.oneof(
  fc.record({ kind: fc.constant("pass" as const), seconds: fc.nat(150) }),
  fc.record({ kind: fc.constant("work" as const), seconds: fc.nat(150) }),
  fc.record({
    kind: fc.constant("edit" as const),
    name: fc.constantFrom(...Object.keys(edits)),
    which: fc.nat(7),
  }),
  fc.record({
    kind: fc.constant("edit state" as const),
    name: fc.constantFrom(...Object.keys(stateEdits)),
  }),
  fc.record({ kind: fc.constant("break ring" as const), text: fc.constantFrom("{", "", "null") }),
);

test("whatever is edited, no key is lost that the collector may sign with, and the ring heals", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60, size: "max" }), async (events) => {
      const world = new World();
      world.operate();
      world.addGateway(0);
      for (const event of events) {
        if (event.kind === "pass") world.pass(event.seconds);
        else world.operate(); // an edit that another one hides was never seen
        if (event.kind === "edit") world.write(editRing(world.stored, event.name, event.which));
        if (event.kind === "break ring") world.write({ ...world.stored, "ring.json": event.text });
        if (event.kind === "edit state") {
          const state = stateEdits[event.name]!(world.stored["state.json"]!);
          world.write({ ...world.stored, "state.json": state });
        }
        if (event.kind === "work") {
          world.pass(event.seconds);
          const inUse = world.keysInUse();
          const { content } = world.operate();
          const kept = parseKeyRing(content["ring.json"]).keys;
          if (world.keysLately().size <= maxRingKeys)
            expect(kept.map(hexOf)).toEqual(expect.arrayContaining([...inUse]));
          world.readAll();
        }
      }
      await expectHealed(world);
    }),
    { numRuns: 300 },
  );
});

/** After all waits one key is left, everybody has it, and packets are taken. */
async function expectHealed(world: World): Promise<void> {
  world.source = { from: "operator", rotationSeconds: undefined, unbound: false };
  const waits = [
    0,
    timing.propagationSeconds,
    62,
    timing.overlapSeconds,
    62,
    timing.overlapSeconds,
  ];
  for (const seconds of waits) {
    world.pass(seconds);
    world.operate();
    world.readAll();
  }
  const { content, status, steps } = world.operate();
  expect(steps).toEqual([]);
  expect(status.reason).toBe("Current");
  expect(parseKeyRingFile(content["ring.json"]).keys).toHaveLength(1);
  world.pass(120);
  expect(await world.push()).toEqual(["taken"]);
}

test.each(Object.keys(edits))("somebody %s: the event says so", (name) => {
  const world = rotating();
  world.write(editRing(world.stored, name, 1));
  expect(world.operate().steps.map(({ reason }) => reason)).toContain("RingRepaired");
});

test("a key that an edit takes out comes back and counts as new", () => {
  const world = rotating();
  const ring = parseKeyRingFile(world.stored["ring.json"]!);
  const next = ring.keys.find(({ id }) => id !== ring.signing)!;
  world.pass(timing.propagationSeconds);
  world.write({
    ...world.stored,
    "ring.json": JSON.stringify({ ...ring, keys: ring.keys.filter(({ id }) => id !== next.id) }),
  });
  const { content, status } = world.operate();
  expect(parseKeyRingFile(content["ring.json"]).keys).toContainEqual(next);
  expect(status).toMatchObject({ nextKeyId: next.id, signingKeyId: ring.signing });
});

test("a key whose value was changed comes back under another id, since gateways report ids", () => {
  const world = rotating();
  const ring = parseKeyRingFile(world.stored["ring.json"]!);
  const next = ring.keys.find(({ id }) => id !== ring.signing)!;
  const changed = { ...next, key: "ef".repeat(32) };
  const keys = ring.keys.map((key) => (key === next ? changed : key));
  world.write({ ...world.stored, "ring.json": JSON.stringify({ ...ring, keys }) });
  const { content } = world.operate();
  const repaired = parseKeyRingFile(content["ring.json"]).keys;
  expect(repaired.map(({ key }) => key)).toContain(next.key);
  expect(repaired.map(({ key }) => key)).toContain(changed.key);
  expect(repaired.map(({ id }) => id)).not.toContain(next.id);
});

test("a ring of which nothing can be read is an error that says what to do, without its text", () => {
  const world = rotating();
  world.write({ "ring.json": "{ secret-text", "state.json": "[]" });
  expect(() => world.operate()).toThrow(ConfigError);
  expect(() => world.operate()).toThrow(/restore ring.json from a backup, or delete the Secret/);
  expect(() => world.operate()).not.toThrow(/secret-text/);
});

test("v1 senders keep their key when state.json is lost", () => {
  const world = new World();
  world.source = { from: "operator", rotationSeconds: undefined, unbound: true };
  world.operate();
  const before = parseKeyRingFile(world.stored["ring.json"]!).keys.find(isUnbound)!;
  world.write({ "ring.json": world.stored["ring.json"] });
  for (const seconds of [0, timing.overlapSeconds, timing.overlapSeconds]) {
    world.pass(seconds);
    world.operate();
  }
  const after = parseKeyRingFile(world.stored["ring.json"]!).keys.filter(isUnbound);
  expect(after.map(({ key }) => key)).toEqual([before.key]);
});

const isUnbound = ({ use }: { use: string }): boolean => use === "unbound";

/** A bridge with a key that signs and one that is to be next. */
function rotating(): World {
  const world = new World();
  world.operate();
  world.addGateway(0);
  world.pass(900);
  world.operate();
  expect(world.steps).toContain("KeyPublished");
  return world;
}
