import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Accumulator, lossReasons } from "../../collector/accumulator.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { AccumulatorModel } from "./helpers/accumulatorModel.ts";

const limits = { capacity: 300, packetBytes: 64, packetAge: 250, maxAge: 2_000 };
const never = new AbortController().signal;

function createAccumulator(changed: Partial<typeof limits> = {}) {
  const clock = new ManualClock();
  const options = { ...limits, ...changed, clock };
  const accumulator = new Accumulator(options);
  return { clock, options, accumulator };
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** Whether a promise has been resolved by what has happened so far. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await turn();
  return settled;
}

const anyIndex = fc.nat(20);
const milliseconds = fc.integer({ min: 0, max: 900 });
const anyAction = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("fetch" as const),
      size: fc.oneof(fc.constant(limits.packetBytes), fc.integer({ min: 1, max: 150 })),
      // Two sources answer in another order than they were asked.
      age: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_100 })),
      sources: fc.constantFrom(0b01, 0b10, 0b11),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("done" as const), index: anyIndex }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("drop" as const),
      index: anyIndex,
      reason: fc.constantFrom(...lossReasons),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("back" as const), index: anyIndex }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("rest" as const), index: anyIndex, milliseconds }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("dropExpired" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("revoke" as const),
      mask: fc.constantFrom(0b01, 0b10, 0b11, 0b100),
    }),
  },
);
type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

function apply(action: Exclude<Action, { kind: "fetch" }>, model: AccumulatorModel): void {
  if (action.kind === "take") return model.take();
  if (action.kind === "dropExpired") return model.dropExpired();
  if (action.kind === "revoke") return model.revoke(action.mask);
  if (action.kind === "wait" || model.outCount() === 0) return;
  if (action.kind === "drop") return model.drop(action.index, action.reason);
  if (action.kind === "rest") return model.rest(action.index, action.milliseconds);
  return model[action.kind](action.index);
}

type Fetch = Extract<Action, { kind: "fetch" }>;

/** One source that waits for room before it adds, and a pusher that does as it likes. */
async function runAgainstModel(
  actions: readonly Action[],
  { flushAt, close }: { flushAt: number; close: boolean },
): Promise<void> {
  const { clock, options, accumulator } = createAccumulator();
  const model = new AccumulatorModel(accumulator, options, clock);
  let fetching: (Fetch & { isLetIn: Promise<void>; isPaused: boolean }) | undefined;
  let empty: Promise<void> | undefined;
  for (const [index, action] of actions.entries()) {
    if (index === flushAt) model.flush();
    if (action.kind === "wait") clock.advance(action.milliseconds);
    if (action.kind !== "fetch") apply(action, model);
    else {
      fetching ??= {
        ...action,
        isLetIn: accumulator.untilRoom(action.size, never),
        isPaused: model.held() + action.size > options.capacity,
      };
    }
    empty ??= accumulator.untilEmpty(never);
    const isEmpty = model.held() === 0;
    expect(await isSettled(empty)).toBe(isEmpty);
    if (isEmpty) empty = undefined;
    if (fetching !== undefined) {
      const { size, age, sources, isLetIn, isPaused } = fetching;
      const fits = model.held() + size <= options.capacity;
      const isLow = model.held() <= options.capacity * 0.75;
      const expected = fits && (!isPaused || isLow);
      expect(await isSettled(isLetIn)).toBe(expected);
      expect(accumulator.isPaused()).toBe(!expected);
      if (expected) model.add(size, age, sources);
      if (expected) fetching = undefined;
    }
    expect(accumulator.heldBytes()).toBeLessThanOrEqual(options.capacity);
    model.check();
  }
  if (close) model.close();
  while (model.outCount() > 0) model.drop(0, "shutdown");
  model.check();
  if (close) expect(accumulator.heldBytes()).toBe(0);
}

test("against a simple model, with time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 60, size: "max" }),
      fc.record({ flushAt: fc.nat(120), close: fc.boolean() }),
      runAgainstModel,
    ),
    { numRuns: 500 },
  );
});

describe("what wakes", () => {
  const wakers: [string, (accumulator: Accumulator) => void][] = [
    ["add", (accumulator) => accumulator.add(Buffer.alloc(1), 0)],
    ["flush", (accumulator) => accumulator.flush()],
    ["back", (accumulator) => accumulator.back(accumulator.take()!)],
    ["rest", (accumulator) => accumulator.rest(accumulator.take()!, 5_000)],
  ];
  test.each(wakers)("%s wakes whoever waits to take", async (_name, wake) => {
    const { accumulator, clock } = createAccumulator();
    accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
    const waiting = accumulator.filled.wait(never);
    expect(await isSettled(waiting)).toBe(false);
    wake(accumulator);
    expect(await isSettled(waiting)).toBe(true);
  });

  const releases: [string, (accumulator: Accumulator, clock: ManualClock) => void][] = [
    ["done", (accumulator) => accumulator.done(accumulator.take()!)],
    ["drop", (accumulator) => accumulator.drop(accumulator.take()!, "unknown")],
    ["close", (accumulator) => accumulator.close()],
    ["revoke", (accumulator) => accumulator.revoke(1)],
    [
      "expiry",
      (accumulator, clock) => {
        clock.advance(limits.maxAge);
        accumulator.dropExpired();
      },
    ],
  ];
  test.each(releases)("%s wakes whoever waits for room or for the end", async (_name, release) => {
    const { accumulator, clock } = createAccumulator({ capacity: limits.packetBytes });
    accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic(), 1);
    const waiting = [accumulator.untilRoom(1, never), accumulator.untilEmpty(never)];
    for (const promise of waiting) expect(await isSettled(promise)).toBe(false);
    release(accumulator, clock);
    for (const promise of waiting) expect(await isSettled(promise)).toBe(true);
  });

  test("an abort ends every wait", async () => {
    const { accumulator, clock } = createAccumulator();
    accumulator.add(Buffer.alloc(limits.capacity, 1), clock.monotonic());
    const aborting = new AbortController();
    const waiting = [
      accumulator.untilRoom(1, aborting.signal),
      accumulator.untilEmpty(aborting.signal),
      accumulator.filled.wait(aborting.signal),
    ];
    for (const promise of waiting) expect(await isSettled(promise)).toBe(false);
    aborting.abort();
    for (const promise of waiting) expect(await isSettled(promise)).toBe(true);
  });
});

describe("the water marks", () => {
  test("what does not fit waits until no more than three quarters are held", async () => {
    const { accumulator, clock } = createAccumulator({ capacity: 8 * limits.packetBytes });
    const fetchOne = async (): Promise<void> => {
      await accumulator.untilRoom(limits.packetBytes, never);
      accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
    };
    for (let chunk = 0; chunk < 8; chunk++) await fetchOne();
    expect(accumulator.isPaused()).toBe(false);
    const next = fetchOne();
    accumulator.done(accumulator.take()!);
    expect(await isSettled(next)).toBe(false);
    expect(accumulator.isPaused()).toBe(true);
    accumulator.done(accumulator.take()!);
    expect(await isSettled(next)).toBe(true);
    expect(accumulator.isPaused()).toBe(false);
    expect(accumulator.heldBytes()).toBe(7 * limits.packetBytes);
  });

  test("a chunk as large as the buffer waits until it is empty", async () => {
    const { accumulator, clock } = createAccumulator({ capacity: limits.packetBytes });
    accumulator.add(Buffer.alloc(1, 1), clock.monotonic());
    const room = accumulator.untilRoom(limits.packetBytes, never);
    expect(await isSettled(room)).toBe(false);
    clock.advance(limits.packetAge);
    accumulator.done(accumulator.take()!);
    expect(await isSettled(room)).toBe(true);
  });

  test("a producer that did not wait for room is refused, and nothing is held of it", () => {
    const { accumulator } = createAccumulator({ capacity: 10 });
    accumulator.add(Buffer.alloc(10, 1), 0);
    expect(() => accumulator.add(Buffer.alloc(1, 1), 0)).toThrow(RangeError);
    expect(accumulator.heldBytes()).toBe(10);
  });
});

describe("revoke", () => {
  test("drops what a source took part in, also in part, and nothing else", () => {
    const { accumulator, clock } = createAccumulator();
    const now = clock.monotonic();
    const chunks = [0b01, 0b10, 0b11].map((sources) => {
      const chunk = Buffer.alloc(40, sources);
      accumulator.add(chunk, now, sources);
      return chunk;
    });
    expect(accumulator.revoke(0b01)).toBe(80);
    expect(chunks.map(isZero)).toEqual([true, false, true]);
    expect(accumulator.lost.get("alarm")).toBe(80);
    expect(accumulator.heldBytes()).toBe(40);
  });

  test("a batch that is out may still be delivered; given back, it is gone", () => {
    const { accumulator, clock } = createAccumulator();
    for (let packet = 0; packet < 3; packet++) {
      accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic(), 0b100);
    }
    const [delivered, back, rested] = [
      accumulator.take()!,
      accumulator.take()!,
      accumulator.take()!,
    ];
    expect(accumulator.revoke(0b100)).toBe(0);
    accumulator.done(delivered);
    expect(accumulator.lost.total()).toBe(0);
    accumulator.back(back);
    accumulator.rest(rested, clock.monotonic() + 1);
    expect(accumulator.lost.get("alarm")).toBe(2 * limits.packetBytes);
    expect(isZero(back.data) && isZero(rested.data)).toBe(true);
    clock.advance(1);
    expect(accumulator.take()).toBeUndefined();
  });

  test("a packet of several chunks keeps the mark of each", () => {
    const { accumulator, clock } = createAccumulator();
    accumulator.add(Buffer.alloc(limits.packetBytes - 1, 1), clock.monotonic(), 0b01);
    accumulator.add(Buffer.alloc(2, 1), clock.monotonic(), 0b10);
    accumulator.back(accumulator.take()!);
    expect(accumulator.revoke(0b10)).toBe(limits.packetBytes + 1);
  });
});

test("a batch ends once", () => {
  const { accumulator, clock } = createAccumulator();
  accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
  const batch = accumulator.take()!;
  accumulator.done(batch);
  expect(() => accumulator.back(batch)).toThrow("not out");
});

test("more chunks than arguments fit a call", () => {
  const { accumulator } = createAccumulator({ capacity: 300_000, packetBytes: 400_000 });
  for (let chunk = 0; chunk < 200_000; chunk++) accumulator.add(Buffer.alloc(1, 1), chunk);
  expect(accumulator.dueIn()).toBe(0);
  expect(accumulator.oldestFetchedAt()).toBe(0);
  expect(accumulator.lost.total()).toBe(0);
});

test("bytes that fill no packet are due when the oldest of them has waited long enough", () => {
  const { accumulator, clock } = createAccumulator();
  // Fetched first, arrived last: the slower of two sources.
  accumulator.add(Buffer.alloc(10, 1), clock.monotonic());
  accumulator.add(Buffer.alloc(10, 2), clock.monotonic() - 200);
  expect(accumulator.dueIn()).toBe(50);
  clock.advance(49);
  expect(accumulator.take()).toBeUndefined();
  clock.advance(1);
  expect(accumulator.take()?.data.length).toBe(20);
});

test("a full packet does not wait for age, nor for what comes after it", () => {
  const { accumulator, clock } = createAccumulator();
  accumulator.add(Buffer.alloc(limits.packetBytes + 1, 1), clock.monotonic());
  expect(accumulator.take()?.data.length).toBe(limits.packetBytes);
  expect(accumulator.take()).toBeUndefined();
  expect(accumulator.dueIn()).toBe(limits.packetAge);
});

test("a batch keeps the time of its oldest byte while it rests and comes back", () => {
  const { accumulator, clock } = createAccumulator();
  const fetchedAt = clock.monotonic();
  accumulator.add(Buffer.alloc(limits.packetBytes, 1), fetchedAt);
  const first = accumulator.take()!;
  clock.advance(1_000);
  accumulator.rest(first, clock.monotonic() + 500);
  expect(accumulator.take()).toBeUndefined();
  expect(accumulator.dueIn()).toBe(500);
  clock.advance(500);
  const again = accumulator.take()!;
  expect(again.fetchedAt).toBe(fetchedAt);
  accumulator.back(again);
  clock.advance(500); // now as old as may be
  expect(accumulator.take()).toBeUndefined();
  expect(accumulator.lost.get("expired")).toBe(limits.packetBytes);
  expect(isZero(again.data)).toBe(true);
});

test("a batch that is out does not expire in the hands of who has it", () => {
  const { accumulator, clock } = createAccumulator();
  accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
  const batch = accumulator.take()!;
  clock.advance(limits.maxAge * 2);
  accumulator.dropExpired();
  expect(isZero(batch.data)).toBe(false);
  expect(accumulator.heldBytes()).toBe(limits.packetBytes);
  accumulator.done(batch);
  expect(accumulator.lost.total()).toBe(0);
});

test("when flushed, what rests is lost and what is buffered is due at once", () => {
  const { accumulator, clock } = createAccumulator();
  accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
  accumulator.rest(accumulator.take()!, clock.monotonic() + 1);
  accumulator.add(Buffer.alloc(3, 2), clock.monotonic());
  accumulator.flush();
  expect(accumulator.lost.get("shutdown")).toBe(limits.packetBytes);
  const last = accumulator.take()!;
  expect([...last.data]).toEqual([2, 2, 2]);
  accumulator.rest(last, clock.monotonic() + 1); // refused: it will not be due in time
  expect(accumulator.lost.get("shutdown")).toBe(limits.packetBytes + 3);
  expect(isZero(last.data)).toBe(true);
});
