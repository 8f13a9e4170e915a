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
);
type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

function apply(action: Exclude<Action, { kind: "fetch" }>, model: AccumulatorModel): void {
  if (action.kind === "take") return model.take();
  if (action.kind === "dropExpired") return model.dropExpired();
  if (action.kind === "wait" || model.outCount() === 0) return;
  if (action.kind === "drop") return model.drop(action.index, action.reason);
  if (action.kind === "rest") return model.rest(action.index, action.milliseconds);
  return model[action.kind](action.index);
}

/** One source that waits for room before it adds, and a pusher that does as it likes. */
async function runAgainstModel(
  actions: readonly Action[],
  { flushAt, close }: { flushAt: number; close: boolean },
): Promise<void> {
  const { clock, options, accumulator } = createAccumulator();
  const model = new AccumulatorModel(accumulator, options, clock);
  let fetching: { size: number; age: number; room: Promise<void> } | undefined;
  let empty: Promise<void> | undefined;
  for (const [index, action] of actions.entries()) {
    if (index === flushAt) model.flush();
    if (action.kind === "wait") clock.advance(action.milliseconds);
    if (action.kind !== "fetch") apply(action, model);
    else fetching ??= { ...action, room: accumulator.untilRoom(action.size, never) };
    empty ??= accumulator.untilEmpty(never);
    const isEmpty = model.held() === 0;
    expect(await isSettled(empty)).toBe(isEmpty);
    if (isEmpty) empty = undefined;
    if (fetching !== undefined) {
      const fits = model.held() + fetching.size <= options.capacity;
      expect(await isSettled(fetching.room)).toBe(fits);
      if (fits) model.add(fetching.size, fetching.age);
      if (fits) fetching = undefined;
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
    ["back", (accumulator) => accumulator.back({ data: Buffer.alloc(1), fetchedAt: 0 })],
    ["rest", (accumulator) => accumulator.rest({ data: Buffer.alloc(1), fetchedAt: 0 }, 5_000)],
  ];
  test.each(wakers)("%s wakes whoever waits to take", async (_name, wake) => {
    const { accumulator } = createAccumulator();
    const waiting = accumulator.filled.wait(never);
    expect(await isSettled(waiting)).toBe(false);
    wake(accumulator);
    expect(await isSettled(waiting)).toBe(true);
  });

  const releases: [string, (accumulator: Accumulator, clock: ManualClock) => void][] = [
    ["done", (accumulator) => accumulator.done(accumulator.take()!)],
    ["drop", (accumulator) => accumulator.drop(accumulator.take()!, "unknown")],
    ["close", (accumulator) => accumulator.close()],
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
    accumulator.add(Buffer.alloc(limits.packetBytes, 1), clock.monotonic());
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
