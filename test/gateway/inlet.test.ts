import { createHash, randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createConditioner } from "../../common/conditioning/conditioner.ts";
import { FipsMonitor } from "../../common/health/fipsMonitor.ts";
import { EntropyBuffer } from "../../gateway/buffer.ts";
import { Inlet } from "../../gateway/inlet.ts";
import { ManualClock } from "../helpers/manualClock.ts";

const capacity = 4_096;
const maxAge = 10_000;
/** Source bytes for 64 out, at 8 bits a byte. */
const blockBytes = 72;

function createInlet(room = capacity) {
  const clock = new ManualClock();
  const buffer = new EntropyBuffer({ capacity: room, maxAge, overflow: "Reject", clock });
  const conditioner = createConditioner({ type: "Hash", minEntropyMillibitsPerByte: 8_000 });
  const monitor = new FipsMonitor();
  const inlet = new Inlet({ monitor, conditioner, buffer, maxAge, clock });
  return { clock, buffer, conditioner, inlet };
}

type Action =
  | { kind: "add"; size: number; age: number; sources: number }
  | { kind: "take"; size: number }
  | { kind: "wait"; milliseconds: number }
  | { kind: "revoke"; sources: number };

/** Bit masks of three sources. */
const anySources = fc.integer({ min: 1, max: 7 });

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    size: fc.integer({ min: 1, max: 300 }),
    age: fc.integer({ min: -2_000, max: 12_000 }),
    sources: anySources,
  }),
  fc.record({ kind: fc.constant("take" as const), size: fc.integer({ min: 1, max: 300 }) }),
  fc.record({
    kind: fc.constant("wait" as const),
    milliseconds: fc.integer({ min: 0, max: 6_000 }),
  }),
  fc.record({ kind: fc.constant("revoke" as const), sources: anySources }),
);

/** A byte on its way, in the model. */
interface ModelByte {
  readonly value: number;
  readonly born: number;
  readonly sources: number;
}

/** What one byte after another comes to, when each remembers all that it was made of. */
function hashBlock(block: readonly ModelByte[]): Buffer {
  const input = Buffer.from(block.map(({ value }) => value));
  return createHash("sha512").update(input).digest();
}

function runAgainstModel(actions: readonly Action[]): void {
  const { clock, buffer, conditioner, inlet } = createInlet();
  let carried: ModelByte[] = [];
  let held: ModelByte[] = [];
  const isFresh = ({ born }: ModelByte): boolean => clock.monotonic() - born < maxAge;
  const expire = (): void => {
    // One that is too old makes the rest of its block worthless: what it waited for is not it.
    if (!carried.every(isFresh)) carried = [];
    held = held.filter(isFresh);
  };
  for (const action of actions) {
    if (action.kind === "wait") clock.advance(action.milliseconds);
    expire();
    inlet.expire();
    if (action.kind === "revoke") {
      const isGone = ({ sources }: ModelByte): boolean => (sources & action.sources) !== 0;
      const goneOut = held.filter(isGone).length;
      const goneIn = carried.some(isGone) ? carried.length : 0;
      expect(inlet.revoke(action.sources)).toBe(Math.floor(goneOut / 64) * blockBytes + goneIn);
      if (goneIn > 0) carried = [];
      held = held.filter((byte) => !isGone(byte));
    } else if (action.kind === "add") {
      if (!inlet.hasRoom(action.size)) continue;
      const data = randomBytes(action.size);
      const born = clock.monotonic() - Math.max(0, action.age);
      const { sources } = action;
      const all = [...carried, ...Array.from(data, (value) => ({ value, born, sources }))];
      // All that leaves together is as old as the oldest of it, and of all its sources.
      const oldest = Math.min(...all.map((byte) => byte.born));
      const union = all.reduce((mask, byte) => mask | byte.sources, 0);
      const blocks = Math.floor(all.length / blockBytes);
      for (let block = 0; block < blocks; block++) {
        const output = hashBlock(all.slice(block * blockBytes, (block + 1) * blockBytes));
        held.push(...Array.from(output, (value) => ({ value, born: oldest, sources: union })));
      }
      carried = all.slice(blocks * blockBytes);
      void inlet.add(data, { age: action.age, sources }); // one slice, so at once
    } else if (action.kind === "take") {
      const draw = buffer.take(action.size);
      expect(draw === undefined).toBe(held.length < action.size);
      if (draw === undefined) continue;
      const wanted = held.slice(0, action.size).map(({ value }) => value);
      expect(Buffer.concat(draw.pieces)).toEqual(Buffer.from(wanted));
      held = held.slice(action.size);
      draw.release();
    }
    expire();
    inlet.expire();
    expect([buffer.available(), conditioner.carriedBytes()]).toEqual([held.length, carried.length]);
    const hashed = (buffer.flow.get("received") / 64) * blockBytes;
    expect(inlet.acceptedBytes()).toBe(hashed + inlet.lost.total() + carried.length);
  }
}

test("hashed bytes follow a simple model through time, draws and revocations", () => {
  fc.assert(fc.property(fc.array(anyAction, { minLength: 1, maxLength: 40 }), runAgainstModel), {
    numRuns: 1_000,
  });
});

test("what is carried of a revoked source never comes out, and takes its partners with it", async () => {
  const { buffer, conditioner, inlet } = createInlet();
  await inlet.add(randomBytes(blockBytes + 10), { age: 0, sources: 0b01 });
  await inlet.add(randomBytes(10), { age: 0, sources: 0b10 });
  expect(inlet.revoke(0b01)).toBe(blockBytes + 20);
  expect(conditioner.carriedBytes()).toBe(0);
  const good = randomBytes(blockBytes);
  const digest = createHash("sha512").update(good).digest();
  await inlet.add(good, { age: 0, sources: 0b10 });
  expect(Buffer.concat(buffer.take(64)!.pieces)).toEqual(digest);
  expect(inlet.lost.get("alarm")).toBe(20);
});

describe("what takes long to hash is hashed in slices", () => {
  const size = 2 ** 20;
  const hashed = (size / blockBytes) * 64;
  const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

  test("others have their turn meanwhile, and it comes out whole and in order", async () => {
    const { buffer, conditioner, inlet } = createInlet(size);
    const data = randomBytes(size);
    const alone = createConditioner({ type: "Hash", minEntropyMillibitsPerByte: 8_000 });
    const expected = alone.condition(Buffer.from(data));
    const drawn: Buffer[] = [];
    const drawAll = (): void => {
      const draw = buffer.take(buffer.available());
      drawn.push(Buffer.concat(draw?.pieces ?? []));
      draw?.release();
    };
    let isDone = false;
    const adding = inlet.add(data, { age: 0 }).then(() => (isDone = true));
    let turns = 0;
    for (; !isDone; turns++) {
      drawAll();
      await setImmediate();
    }
    await adding;
    drawAll();
    expect(turns).toBeGreaterThanOrEqual(size / conditioner.sliceBytes - 1);
    expect(Buffer.concat(drawn).equals(expected)).toBe(true);
    expect(isZero(data)).toBe(true);
  });

  test("the room that the rest will need is taken", async () => {
    const { buffer, inlet } = createInlet(Math.ceil(hashed) + 1_000);
    const adding = inlet.add(randomBytes(size), { age: 0 });
    expect(buffer.available()).toBeLessThan(hashed / 2);
    expect([inlet.hasRoom(500), inlet.hasRoom(2_000)]).toEqual([true, false]);
    await adding;
    expect([inlet.hasRoom(500), inlet.hasRoom(2_000)]).toEqual([true, false]);
  });

  test.each<[string, (inlet: Inlet, buffer: EntropyBuffer) => void]>([
    ["a revocation", (inlet) => expect(inlet.revoke(0b01)).toBe(size)],
    [
      "the end",
      (inlet, buffer) => {
        inlet.close();
        buffer.close();
      },
    ],
  ])("%s zeroes the rest, of which nothing comes out", async (_, end) => {
    const { buffer, conditioner, inlet } = createInlet(size);
    const data = randomBytes(size);
    const adding = inlet.add(data, { age: 0, sources: 0b01 });
    end(inlet, buffer);
    expect(isZero(data)).toBe(true);
    await adding;
    expect([buffer.available(), conditioner.carriedBytes()]).toEqual([0, 0]);
  });
});
