import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EntropyBuffer, type Draw } from "../../gateway/buffer.ts";
import { ManualClock } from "../helpers/manualClock.ts";

const capacity = 1000;
const maxAge = 10_000;

function createBuffer(overflow: "Reject" | "DiscardOldest" = "Reject") {
  const clock = new ManualClock();
  return { clock, buffer: new EntropyBuffer({ capacity, maxAge, overflow, clock }) };
}

/** Bytes that tell where they came from: a running number, two bytes each. */
function numbered(from: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * 2);
  for (let index = 0; index < count; index++)
    bytes.writeUInt16BE((from + index) & 0xffff, index * 2);
  return bytes;
}

const bytesOf = (draw: Draw): Buffer => Buffer.concat(draw.pieces);
const isZero = (bytes: Buffer): boolean => nonZero(bytes) === 0;

/** How many bytes are not zeroed; what was given back has none. */
function nonZero(bytes: Buffer): number {
  return bytes.length === 0 ? 0 : bytes.filter((byte) => byte !== 0).length;
}

type Action =
  | { kind: "add"; size: number; age: number; sources: number; owned: boolean }
  | { kind: "take"; size: number; release: boolean }
  | { kind: "wait"; milliseconds: number }
  | { kind: "revoke"; sources: number };

/** Bit masks of three sources. */
const anySources = fc.integer({ min: 0, max: 7 });

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    size: fc.integer({ min: 1, max: 300 }),
    age: fc.integer({ min: -2_000, max: 12_000 }),
    sources: anySources,
    owned: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("take" as const),
    size: fc.integer({ min: 1, max: 400 }),
    release: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("wait" as const),
    milliseconds: fc.integer({ min: 0, max: 6_000 }),
  }),
  fc.record({ kind: fc.constant("revoke" as const), sources: anySources }),
);

interface ModelByte {
  readonly value: number;
  readonly expiresAt: number;
  readonly sources: number;
}

/** Bytes that have left, by whatever way. */
function gone({ flow }: EntropyBuffer): number {
  return flow.total() - flow.get("received");
}

/** The buffer as anybody would first write it: an array of bytes. */
function runAgainstModel(overflow: "Reject" | "DiscardOldest", actions: readonly Action[]): void {
  const { clock, buffer } = createBuffer(overflow);
  let model: ModelByte[] = [];
  let held: Draw[] = [];
  const added: Buffer[] = [];
  const owned: Buffer[] = [];
  let next = 0;
  const expire = (): void => {
    model = model.filter(({ expiresAt }) => expiresAt > clock.monotonic());
  };
  for (const action of actions) {
    expire();
    if (action.kind === "wait") clock.advance(action.milliseconds);
    else if (action.kind === "revoke") {
      const left = model.filter(({ sources }) => (sources & action.sources) === 0);
      expect(buffer.revoke(action.sources)).toBe(model.length - left.length);
      model = left;
    } else if (action.kind === "add") {
      const data = Buffer.allocUnsafeSlow(action.size);
      for (let at = 0; at < data.length; at++) data[at] = next = (next % 251) + 1;
      const fits = overflow === "DiscardOldest" || model.length + action.size <= capacity;
      expect(buffer.hasRoom(action.size)).toBe(fits);
      if (!fits) continue;
      const expiresAt = clock.monotonic() + maxAge - Math.max(0, action.age);
      const { sources } = action;
      model.push(...Array.from(data, (value) => ({ value, expiresAt, sources })));
      model = model.slice(-capacity);
      added.push(data);
      if (action.owned) owned.push(data);
      buffer.add(data, action.age, sources, action.owned ? data : undefined);
    } else {
      const inFlight = held.reduce((sum, draw) => sum + draw.bytes, 0);
      const draw = buffer.take(action.size);
      if (model.length < action.size || inFlight + action.size > capacity) {
        expect(draw).toBeUndefined();
        continue;
      }
      const wanted = model.slice(0, action.size).map(({ value }) => value);
      model = model.slice(action.size);
      expect([...bytesOf(draw!)]).toEqual(wanted);
      if (action.release) {
        draw!.release();
        expect(draw!.pieces.every(isZero)).toBe(true);
      } else held.push(draw!);
    }
    expire();
    expect(buffer.available()).toBe(model.length);
    expect(buffer.flow.get("received")).toBe(model.length + gone(buffer));
    const inFlight = held.reduce((sum, draw) => sum + draw.bytes, 0);
    const left = added.reduce((sum, data) => sum + nonZero(data), 0);
    expect(left).toBe(model.length + inFlight); // all else is zeroed
  }
  for (const draw of held) draw.release();
  held = [];
  buffer.close();
  expect(buffer.available()).toBe(0);
  expect(owned.every(({ length }) => length === 0)).toBe(true); // its memory is given back
}

describe("against a simple model, with time", () => {
  test.each(["Reject", "DiscardOldest"] as const)("%s", (overflow) => {
    fc.assert(
      fc.property(fc.array(anyAction, { minLength: 1, maxLength: 60 }), (actions) =>
        runAgainstModel(overflow, actions),
      ),
      { numRuns: 1_000 },
    );
  });
});

test("a draw that asks for more than there is takes nothing", () => {
  const { buffer } = createBuffer();
  buffer.add(Buffer.alloc(10, 1), 0);
  expect(buffer.take(11)).toBeUndefined();
  expect(buffer.available()).toBe(10);
});

test("bytes are served in the order they came, over chunks and parts of chunks", () => {
  const { buffer } = createBuffer();
  buffer.add(numbered(0, 10), 0);
  buffer.add(numbered(10, 10), 0);
  const first = buffer.take(14)!;
  const second = buffer.take(26)!;
  expect(Buffer.concat([bytesOf(first), bytesOf(second)])).toEqual(numbered(0, 20));
});

test("a draw that is never released is not served to anybody else, and bounds what is in flight", () => {
  const { buffer } = createBuffer();
  for (let round = 0; round < 2; round++) {
    buffer.add(Buffer.alloc(capacity, 1), 0);
    expect(buffer.take(capacity) === undefined).toBe(round === 1);
  }
});

test("expired bytes are zeroed, whether or not anybody reads", () => {
  const { buffer, clock } = createBuffer();
  const data = Buffer.alloc(100, 1);
  buffer.add(data, 0);
  clock.advance(maxAge - 1);
  buffer.expire();
  expect(isZero(data)).toBe(false);
  clock.advance(1);
  buffer.expire();
  expect(isZero(data)).toBe(true);
  expect(buffer.flow.get("expired")).toBe(100);
});

test("bytes that arrive old expire early, bytes from the future are new", () => {
  const { buffer, clock } = createBuffer();
  buffer.add(Buffer.alloc(1, 1), maxAge - 1);
  buffer.add(Buffer.alloc(2, 2), -5_000);
  clock.advance(1);
  expect(buffer.available()).toBe(2);
  clock.advance(maxAge - 1);
  expect(buffer.available()).toBe(0);
});

test("a clock that is set back brings no expired byte to life", () => {
  const { buffer, clock } = createBuffer();
  buffer.add(Buffer.alloc(5, 1), 0);
  clock.advance(maxAge);
  clock.step(-86_400_000);
  expect(buffer.available()).toBe(0);
});

test("what is discarded, and what is left at the end, is zeroed", () => {
  const { buffer } = createBuffer("DiscardOldest");
  const first = Buffer.alloc(600, 1);
  const second = Buffer.alloc(600, 2);
  buffer.add(first, 0);
  buffer.add(second, 0);
  expect(isZero(first.subarray(0, 200))).toBe(true);
  expect(first[200]).toBe(1);
  expect(buffer.flow.get("discarded")).toBe(200);
  buffer.close();
  expect(isZero(first) && isZero(second)).toBe(true);
  expect(buffer.flow.get("shutdown")).toBe(1000);
});

test("tiny packets cannot cost more memory than their bytes are worth", () => {
  const clock = new ManualClock();
  const large = new EntropyBuffer({ capacity: 2 ** 20, maxAge, overflow: "Reject", clock });
  let added = 0;
  while (large.hasRoom(1) && added < 2 ** 20) {
    large.add(Buffer.alloc(1, 1), 0);
    added += 1;
  }
  expect(added).toBe(1024);
});

test("who waits for room is woken by a draw", async () => {
  const { buffer } = createBuffer();
  buffer.add(Buffer.alloc(capacity, 1), 0);
  const waiting = buffer.untilRoom(10, new AbortController().signal);
  buffer.take(10)?.release();
  await waiting;
  expect(buffer.hasRoom(10)).toBe(true);
});
