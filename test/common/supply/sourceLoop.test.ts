import { afterEach, expect, test } from "vitest";
import { SourceTests } from "../../../common/health/sourceTests.ts";
import {
  startSourceLoop,
  type CutOff,
  type SourceLoop,
} from "../../../common/supply/sourceLoop.ts";
import { Notice, type Backoff } from "../../../common/wait.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualClock } from "../../helpers/manualClock.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";
import {
  fails,
  scriptedSource,
  type Script,
  type ScriptedSource,
} from "./helpers/scriptedSource.ts";

const size = 1024;
const chunk = (seed: number): Buffer => seededBytes(seed)(size);
const stuck = (): Buffer => Buffer.alloc(size, 0x5a);
/** Fails the repetition count test at 2^-40, and passes it at 2^-80. */
const stutter = (seed: number): Buffer => chunk(seed).fill(0x5a, 100, 108);
const down = fails("ERR_SOURCE_UNREACHABLE");
/** So long that a test never sees its end. */
const day = 86_400_000;

interface Started {
  readonly loop: SourceLoop;
  readonly source: ScriptedSource;
  readonly clock: ManualClock;
  readonly captured: CapturedLog;
  readonly fetchedAt: number[];
  readonly fetchSeconds: number[];
  readonly cuts: string[];
  passed(): Buffer;
  letIn(chunks: number): void;
}

interface Options {
  /** Chunks that are wanted at first. */
  readonly room?: number;
  readonly backoff?: Backoff;
  readonly interval?: number;
  /** By the number of the pause, from 0; pauses have no length when left out. */
  readonly random?: (pause: number) => number;
}

const running = new Set<SourceLoop>();
afterEach(async () => {
  await Promise.all([...running].map((loop) => loop.stop()));
  running.clear();
});

function start(script: Script, options: Options = {}): Started {
  const { room = Infinity, interval = 0, random = () => 0 } = options;
  const { backoff = { min: 1, max: 8 } } = options;
  const captured = captureLog();
  const clock = new ManualClock();
  const changed = new Notice();
  const passed: Buffer[] = [];
  const fetchedAt: number[] = [];
  const fetchSeconds: number[] = [];
  const cuts: string[] = [];
  let free = room;
  let pauses = 0;
  // A fetch takes time, which does not make its bytes younger.
  const source = scriptedSource(script, { chunkBytes: size, onFetch: () => clock.advance(5) });
  const loop = startSourceLoop({
    source,
    tests: new SourceTests({ minEntropyMillibitsPerByte: 7900, alphaExponent: 40 }),
    interval,
    backoff,
    untilRoom: async (signal) => {
      while (free <= 0 && !signal.aborted) await changed.wait(signal);
      free -= 1;
    },
    pass: (piece) => {
      passed.push(Buffer.from(piece.data));
      fetchedAt.push(piece.fetchedAt);
    },
    cutOff: ({ test: name }): CutOff => {
      cuts.push(name);
      return { waitingBytes: 5, revokedBytes: 6, goneBytes: 7 };
    },
    onChange: () => undefined,
    onFetch: (seconds) => void fetchSeconds.push(seconds),
    clock,
    random: () => random(pauses++),
    log: captured.log,
  });
  running.add(loop);
  return {
    loop,
    source,
    clock,
    captured,
    fetchedAt,
    fetchSeconds,
    cuts,
    passed: () => Buffer.concat(passed),
    letIn: (chunks) => {
      free += chunks;
      changed.notify();
    },
  };
}

/** Until another loop, whose pauses have no length, has gone round often. */
async function others(): Promise<void> {
  const { source } = start([down]);
  await eventually(() => source.fetches() > 100);
}

test("chunks are passed on with the time when their fetch began", async () => {
  const { loop, passed, fetchedAt, fetchSeconds } = start(
    [() => chunk(1), () => chunk(2), () => chunk(3)],
    {
      room: 3,
    },
  );
  await eventually(() => passed().length === 3 * size);
  expect(passed()).toEqual(Buffer.concat([chunk(1), chunk(2), chunk(3)]));
  expect(fetchedAt).toEqual([1000, 1005, 1010]);
  expect(fetchSeconds).toEqual([0.005, 0.005, 0.005]);
  expect(loop.fetchedBytes()).toBe(3 * size);
  expect(loop.discarded.total()).toBe(0);
  expect(loop.outcomes.get("ok")).toBe(3);
  expect(loop.latest()).toBe("ok");
  expect(loop.trouble()).toBeUndefined();
});

test("nothing is fetched unless it is wanted, and as much as is", async () => {
  let seed = 0;
  const { passed, source, letIn, loop } = start([() => chunk(seed++)], { room: 0 });
  expect(source.fetches()).toBe(0);
  expect(loop.latest()).toBeUndefined();
  letIn(2);
  await eventually(() => passed().length === 2 * size);
  letIn(1);
  await eventually(() => passed().length === 3 * size);
  expect(source.fetches()).toBe(3);
});

test("an alarm zeroes the chunk, cuts the source off, and says which test and what had gone", async () => {
  const { loop, source, cuts, captured, passed } = start([() => chunk(1), () => stutter(2)], {
    random: () => 1,
  });
  await eventually(() => loop.standing().state === "quarantined");
  expect(passed()).toEqual(chunk(1));
  expect(source.given[1]).toEqual(Buffer.alloc(size));
  expect(cuts).toEqual(["repetition count"]);
  expect(loop.discarded.get("alarm")).toBe(size + 5); // the chunk, and what waited in the mix
  expect(loop.alarms.get("repetition count")).toBe(1);
  expect(loop.trouble()).toBe("quarantined: repetition count");
  expect(loop.goneBytes()).toBe(7);
  expect(captured.lines()).toContainEqual(
    expect.objectContaining({
      level: "error",
      source: "fake",
      test: "repetition count",
      tier: "intermittent",
      zeroedBytes: 11,
      goneBytes: 7,
    }),
  );
});

test.each([
  ["A, A", [1, 1]],
  ["A, B, A", [1, 2, 1]],
  ["A, B, C, B", [1, 2, 3, 2]],
])("%s: the source is quarantined as repeated", async (_, seeds) => {
  const { loop, passed } = start(
    seeds.map((seed) => () => chunk(seed)),
    { random: () => 1 },
  );
  await eventually(() => loop.standing().state === "quarantined");
  expect(loop.trouble()).toBe("quarantined: repeated");
  expect(passed()).toEqual(Buffer.concat(seeds.slice(0, -1).map(chunk)));
});

test("a quarantined source is tested again after a pause; what that takes is not passed on", async () => {
  const script = [() => chunk(1), () => stutter(2), () => chunk(3), () => chunk(4)];
  const { loop, source, clock, passed, captured } = start(script, { room: 3 });
  await eventually(() => loop.standing().state === "quarantined");
  await others();
  expect(source.fetches()).toBe(2);
  clock.advance(day);
  await eventually(() => passed().length === 2 * size);
  expect(passed()).toEqual(Buffer.concat([chunk(1), chunk(4)]));
  expect(source.given[2]).toEqual(Buffer.alloc(size));
  expect(loop.discarded.get("alarm")).toBe(size + 5);
  expect(loop.discarded.get("retest")).toBe(size);
  expect(loop.standing().state).toBe("trusted");
  expect(captured.messages()).toContain("source has passed its tests again");
});

test("only what was clean since the release counts for a source that was caught", async () => {
  const clean = seededBytes(1)(2_500_000);
  const script = [() => clean, () => stutter(2), () => chunk(3), () => stutter(4)];
  const { loop, clock } = start(script, { room: 3 });
  await eventually(() => loop.standing().state === "quarantined");
  expect(loop.standing()).toMatchObject({ quarantines: 1 });
  clock.advance(day);
  await eventually(() => loop.alarms.total() === 2);
  expect(loop.standing()).toMatchObject({ quarantines: 2 });
});

test("clean bytes redeem a source that was caught", async () => {
  const clean = seededBytes(1)(2_500_000);
  const script = [() => stutter(2), () => chunk(3), () => clean, () => stutter(4)];
  const { loop, clock } = start(script, { room: 3 });
  await eventually(() => loop.standing().state === "quarantined");
  clock.advance(day);
  await eventually(() => loop.alarms.total() === 2);
  expect(loop.standing()).toMatchObject({ quarantines: 1 });
});

test("a retest goes on until the start-up test has passed", async () => {
  const half = (seed: number): Buffer => seededBytes(seed)(size / 2);
  const script = [() => stutter(1), () => half(2), () => half(3), () => chunk(4)];
  const { loop, source, clock, passed } = start(script, { room: 2 });
  await eventually(() => loop.standing().state === "quarantined");
  clock.advance(day);
  await eventually(() => passed().length > 0);
  expect(passed()).toEqual(chunk(4));
  expect(Buffer.concat(source.given.slice(1, 3))).toEqual(Buffer.alloc(size));
  expect(loop.discarded.get("retest")).toBe(size);
});

test("what is held when another source's alarm cuts it off is zeroed, and counted", async () => {
  const odd = seededBytes(1)(size + 100);
  const { loop, passed } = start([() => odd, down], { room: 1, random: () => 1 });
  await eventually(() => passed().length === size);
  loop.quarantine({ test: "mixed stream", tier: "intermittent" });
  expect(loop.discarded.get("alarm")).toBe(100 + 5);
  expect(loop.heldBytes()).toBe(0);
});

test("a source that fails as chance never does is not asked again", async () => {
  const { loop, source, clock, captured } = start([() => chunk(1), stuck]);
  await eventually(() => loop.standing().state === "failed");
  clock.advance(day);
  await others();
  expect(source.fetches()).toBe(2);
  expect(loop.trouble()).toBe("failed: repetition count");
  expect(captured.text()).toContain("until this program is restarted");
  loop.quarantine({ test: "mixed stream", tier: "intermittent" });
  expect(loop.trouble()).toBe("failed: repetition count");
  expect(loop.alarms.total()).toBe(1);
});

test("what comes of a fetch during which the source is cut off is zeroed, and is no retest", async () => {
  let cut = (): void => undefined;
  const script = [() => chunk(1), () => (cut(), chunk(2))];
  const { loop, source, passed } = start(script, { random: () => 1 });
  cut = () => loop.quarantine({ test: "mixed stream", tier: "intermittent" });
  await eventually(() => loop.standing().state === "quarantined");
  await eventually(() => source.given[1]?.equals(Buffer.alloc(size)));
  expect(loop.standing().state).toBe("quarantined");
  expect(passed()).toEqual(chunk(1));
  expect(loop.discarded.get("alarm")).toBe(5 + size);
});

test("a source that is cut off while it waits for room is not asked before its retest", async () => {
  const { loop, source, letIn, clock } = start([() => chunk(1)], { room: 0, random: () => 1 });
  loop.quarantine({ test: "mixed stream", tier: "intermittent" });
  letIn(5);
  await others();
  expect(source.fetches()).toBe(0);
  expect(loop.standing().state).toBe("quarantined");
  clock.advance(day); // too late for the pause that is under way
  await eventually(() => source.fetches() > 0);
});

test("what is held when it stops is zeroed, and counted", async () => {
  const odd = (seed: number): Buffer => seededBytes(seed)(size + 100);
  const { loop, passed } = start([() => odd(1), down], { room: 1 });
  await eventually(() => passed().length === size);
  await loop.stop();
  expect(loop.discarded.get("shutdown")).toBe(100);
  expect(loop.heldBytes()).toBe(0);
});

test("the pause after failures grows", async () => {
  // 30 pauses of no length, then one of the whole bound.
  const { source } = start([down], {
    backoff: { min: 1, max: day },
    random: (pause) => (pause < 30 ? 0 : 1),
  });
  await eventually(() => source.fetches() === 31);
  await others();
  expect(source.fetches()).toBe(31); // it stands still: the bound is by now far above 1 ms
});

test("the pause after failures grows to its bound only", async () => {
  const { source } = start([down], { backoff: { min: 1, max: 2 }, random: () => 1 });
  await eventually(() => source.fetches() >= 40);
});

test("after a success the pauses begin anew", async () => {
  const many = Array.from({ length: 30 }, () => down);
  const { source, loop } = start([...many, () => chunk(1), down, () => chunk(2)], {
    backoff: { min: 1, max: day },
    random: (pause) => (pause < 30 ? 0 : 1),
    room: 33,
  });
  await eventually(() => loop.outcomes.get("ok") === 2);
  expect(source.fetches()).toBe(33);
});

test("between two fetches there is a pause", async () => {
  const { source } = start([() => chunk(1), () => chunk(2)], { interval: day });
  await others();
  expect(source.fetches()).toBe(1);
});

test("a fetch that a stop cuts is no failure", async () => {
  let stop = (): void => undefined;
  const cut = (): never => {
    stop();
    throw new DOMException("cut", "AbortError");
  };
  const { loop, source, captured } = start([cut]);
  stop = () => void loop.stop();
  await eventually(() => source.isClosed());
  expect(loop.outcomes.total()).toBe(0);
  expect(captured.lines()).toEqual([]);
});

test("stop ends a fetch, a wait for room and a pause, and closes the source", async () => {
  const waiting = start([down], { room: 0 });
  const pausing = start([down], { backoff: { min: day, max: day }, random: () => 1 });
  await eventually(() => pausing.source.fetches() === 1);
  const quarantined = start([() => stutter(1)], { random: () => 1 });
  await eventually(() => quarantined.loop.standing().state === "quarantined");
  const failed = start([stuck]);
  await eventually(() => failed.loop.standing().state === "failed");
  for (const { loop, source } of [waiting, pausing, quarantined, failed]) {
    expect(source.isClosed()).toBe(false);
    await loop.stop();
    await loop.stop();
    expect(source.isClosed()).toBe(true);
  }
  expect(waiting.loop.latest()).toBeUndefined();
});

test("a line for each change of state, however often it is confirmed", async () => {
  const timeout = fails("ERR_SOURCE_TIMEOUT");
  const good = [() => chunk(1), () => chunk(2)];
  const script = [down, down, down, timeout, timeout, ...good, down, () => chunk(3)];
  const { captured } = start(script, { room: script.length });
  await eventually(() => captured.lines().length === 5);
  expect(
    captured
      .lines()
      .map(({ level, message, error }) => [
        level,
        message,
        (error as { code?: string } | undefined)?.code,
      ]),
  ).toEqual([
    ["warn", "source gives no bytes", "ERR_SOURCE_UNREACHABLE"],
    ["warn", "source gives no bytes", "ERR_SOURCE_TIMEOUT"],
    ["info", "source gives bytes", undefined],
    ["warn", "source gives no bytes", "ERR_SOURCE_UNREACHABLE"],
    ["info", "source gives bytes", undefined],
  ]);
});

test("every outcome is counted, by its code", async () => {
  const script = [down, fails("ERR_SOURCE_TLS"), down, () => chunk(1)];
  const { loop, passed } = start(script, { room: 4 });
  await eventually(() => passed().length === size);
  expect(Object.fromEntries(loop.outcomes.entries())).toMatchObject({
    ok: 1,
    ERR_SOURCE_UNREACHABLE: 2,
    ERR_SOURCE_TLS: 1,
  });
});
