import { afterEach, expect, test } from "vitest";
import { startFetchLoop, type FetchLoop, type Sink } from "../../common/sources/fetchLoop.ts";
import { SourceError, type SourceErrorCode } from "../../common/sources/source.ts";
import { Notice, type Backoff } from "../../common/wait.ts";
import { captureLog, type CapturedLog } from "../helpers/capturedLog.ts";
import { eventually } from "../helpers/eventually.ts";

const size = 64;
const chunk = (seed: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => seed * 7 + i));
const fails = (code: SourceErrorCode) => (): never => {
  throw new SourceError(code, "no");
};

/** A chunk, or a throw, for each fetch; the last of them for all that follow. */
type Script = readonly (() => Buffer)[];

interface Started {
  readonly loop: FetchLoop;
  readonly added: { readonly chunk: Buffer; readonly fetchedAt: number }[];
  /** Every chunk that the source gave, also those that were refused. */
  readonly given: Buffer[];
  readonly captured: CapturedLog;
  fetches(): number;
  isClosed(): boolean;
  letIn(chunks: number): void;
}

interface Options {
  /** Chunks that the sink has room for at first. */
  readonly room?: number;
  readonly backoff?: Backoff;
  /** By the number of the pause, from 0; pauses have no length when left out. */
  readonly random?: (pause: number) => number;
  readonly fetch?: (signal: AbortSignal) => Promise<Buffer>;
}

const running = new Set<FetchLoop>();
afterEach(async () => {
  await Promise.all([...running].map((loop) => loop.stop()));
  running.clear();
});

function start(script: Script, options: Options = {}): Started {
  const { room = Infinity, backoff = { min: 1, max: 8 }, random = () => 0 } = options;
  const captured = captureLog();
  const sink = makeSink(room);
  const given: Buffer[] = [];
  let now = 1000;
  let fetches = 0;
  let pauses = 0;
  let closed = false;
  const fetch = async (): Promise<Buffer> => {
    const step = script[Math.min(fetches, script.length - 1)]!;
    fetches += 1;
    now += 5; // a fetch takes time, which does not make its bytes younger
    await Promise.resolve();
    const bytes = step();
    given.push(bytes);
    return bytes;
  };
  const loop = startFetchLoop({
    source: {
      name: "fake",
      chunkBytes: size,
      fetch: options.fetch ?? fetch,
      close: () => (closed = true),
    },
    sink,
    interval: 0,
    backoff,
    clock: { wall: () => 0n, monotonic: () => now },
    random: () => random(pauses++),
    log: captured.log,
  });
  running.add(loop);
  return {
    loop,
    added: sink.added,
    given,
    captured,
    fetches: () => fetches,
    isClosed: () => closed,
    letIn: sink.letIn,
  };
}

function makeSink(room: number): Sink & Pick<Started, "added" | "letIn"> {
  const added: { chunk: Buffer; fetchedAt: number }[] = [];
  const changed = new Notice();
  let free = room;
  return {
    added,
    untilRoom: async (bytes, signal) => {
      expect(bytes).toBe(size);
      while (free <= 0 && !signal.aborted) await changed.wait(signal);
    },
    add: (bytes, fetchedAt) => {
      free -= 1;
      added.push({ chunk: bytes, fetchedAt });
    },
    letIn: (chunks) => {
      free += chunks;
      changed.notify();
    },
  };
}

/** Until another loop, whose pauses have no length, has gone round often. */
async function others(): Promise<void> {
  const { fetches } = start([down]);
  await eventually(() => fetches() > 100);
}

test("chunks go to the sink with the time when their fetch began", async () => {
  const { loop, added } = start([() => chunk(1), () => chunk(2), () => chunk(3)], { room: 3 });
  await eventually(() => added.length === 3);
  expect(added).toEqual([
    { chunk: chunk(1), fetchedAt: 1000 },
    { chunk: chunk(2), fetchedAt: 1005 },
    { chunk: chunk(3), fetchedAt: 1010 },
  ]);
  expect(loop.fetchedBytes()).toBe(3 * size);
  expect(loop.outcomes.get("ok")).toBe(3);
  expect(loop.latest()).toBe("ok");
  expect(loop.source).toBe("fake");
});

test("nothing is fetched without room, and as much as there is room for", async () => {
  let seed = 0;
  const { added, fetches, letIn, loop } = start([() => chunk(seed++)], { room: 0 });
  expect(fetches()).toBe(0);
  expect(loop.latest()).toBeUndefined();
  letIn(2);
  await eventually(() => added.length === 2);
  letIn(1);
  await eventually(() => added.length === 3);
  expect(fetches()).toBe(3);
});

test.each([
  ["A, A", [1, 1]],
  ["A, B, A", [1, 2, 1]],
  ["A, B, C, B", [1, 2, 3, 2]],
])("%s: the last one is refused and zeroed", async (_, seeds) => {
  const script = [...seeds.map((seed) => () => chunk(seed)), fails("ERR_SOURCE_STATUS")];
  const { loop, added, given } = start(script);
  await eventually(() => loop.outcomes.get("ERR_SOURCE_STATUS") > 0);
  expect(added.map((entry) => entry.chunk)).toEqual(seeds.slice(0, -1).map(chunk));
  expect(loop.outcomes.get("ERR_SOURCE_REPEATED")).toBe(1);
  expect(given.at(-1)).toEqual(Buffer.alloc(size));
  expect(loop.fetchedBytes()).toBe((seeds.length - 1) * size);
});

test.each([
  ["begins", Buffer.concat([chunk(1).subarray(0, 32), chunk(9)])],
  ["ends", Buffer.concat([chunk(9), chunk(1).subarray(-32)])],
])("a chunk that %s like an earlier one is refused", async (_, similar) => {
  const { loop, added } = start([() => chunk(1), () => similar, fails("ERR_SOURCE_STATUS")]);
  await eventually(() => loop.outcomes.get("ERR_SOURCE_STATUS") > 0);
  expect(loop.outcomes.get("ERR_SOURCE_REPEATED")).toBe(1);
  expect(added.length).toBe(1);
});

test("a source that repeats itself and then does not is taken again", async () => {
  const { loop, added } = start([() => chunk(1), () => chunk(1), () => chunk(2)], { room: 2 });
  await eventually(() => added.length === 2);
  expect(loop.latest()).toBe("ok");
});

const down = fails("ERR_SOURCE_UNREACHABLE");
/** So long that a test never sees its end. */
const day = 86_400_000;

test("the pause after failures grows", async () => {
  // 30 pauses of no length, then one of the whole bound.
  const { fetches } = start([down], {
    backoff: { min: 1, max: day },
    random: (pause) => (pause < 30 ? 0 : 1),
  });
  await eventually(() => fetches() === 31);
  await others();
  expect(fetches()).toBe(31); // it stands still: the bound is by now far above 1 ms
});

test("the pause after failures grows to its bound only", async () => {
  const { fetches } = start([down], { backoff: { min: 1, max: 2 }, random: () => 1 });
  await eventually(() => fetches() >= 40);
});

test("after a success the pauses begin anew", async () => {
  const many = Array.from({ length: 30 }, () => down);
  const { fetches, loop } = start([...many, () => chunk(1), down, () => chunk(2)], {
    backoff: { min: 1, max: day },
    random: (pause) => (pause < 30 ? 0 : 1),
    room: 2,
  });
  await eventually(() => loop.outcomes.get("ok") === 2);
  expect(fetches()).toBe(33);
});

test("stop ends a fetch, a wait for room and a pause, and closes the source", async () => {
  const signals: AbortSignal[] = [];
  const never = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signals.push(signal);
      signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    });
  const fetching = start([down], { fetch: never });
  await eventually(() => signals.length === 1);
  const waiting = start([down], { room: 0 });
  const pausing = start([down], { backoff: { min: day, max: day }, random: () => 1 });
  await eventually(() => pausing.fetches() === 1);
  for (const { loop, isClosed, captured } of [fetching, waiting, pausing]) {
    expect(isClosed()).toBe(false);
    await loop.stop();
    await loop.stop();
    expect(isClosed()).toBe(true);
    expect(captured.messages()).not.toContain("source gives bytes");
  }
  expect(fetching.loop.latest()).toBeUndefined(); // what stop ended is no failure of the source
  expect(waiting.fetches()).toBe(0);
  expect(pausing.fetches()).toBe(1);
});

test("a line for each change of state, however often it is confirmed", async () => {
  const timeout = fails("ERR_SOURCE_TIMEOUT");
  const script = [
    down,
    down,
    down,
    timeout,
    timeout,
    () => chunk(1),
    () => chunk(2),
    down,
    () => chunk(3),
  ];
  const { captured, added } = start(script, { room: 3 });
  await eventually(() => added.length === 3);
  await eventually(() => captured.lines().length === 5);
  expect(
    captured
      .lines()
      .map(({ level, message, error, source }) => [
        level,
        message,
        (error as { code?: string } | undefined)?.code,
        source,
      ]),
  ).toEqual([
    ["warn", "source gives no bytes", "ERR_SOURCE_UNREACHABLE", "fake"],
    ["warn", "source gives no bytes", "ERR_SOURCE_TIMEOUT", "fake"],
    ["info", "source gives bytes", undefined, "fake"],
    ["warn", "source gives no bytes", "ERR_SOURCE_UNREACHABLE", "fake"],
    ["info", "source gives bytes", undefined, "fake"],
  ]);
});

test("every outcome is counted, by its code", async () => {
  const script = [down, fails("ERR_SOURCE_TLS"), down, () => chunk(1)];
  const { loop, added } = start(script, { room: 1 });
  await eventually(() => added.length === 1);
  expect(Object.fromEntries(loop.outcomes.entries())).toMatchObject({
    ok: 1,
    ERR_SOURCE_UNREACHABLE: 2,
    ERR_SOURCE_TLS: 1,
    ERR_SOURCE_REPEATED: 0,
  });
});
