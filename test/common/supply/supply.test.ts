import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { Independence } from "../../../common/health/independence.ts";
import { SourceTests } from "../../../common/health/sourceTests.ts";
import { createMixer, type MixingStrategy } from "../../../common/mixing/mixer.ts";
import { startSupply, type Supply } from "../../../common/supply/supply.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualClock } from "../../helpers/manualClock.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";
import { RecordingSink } from "./helpers/recordingSink.ts";
import { fails, scriptedSource, type Script } from "./helpers/scriptedSource.ts";

const size = 1024;
/** So long that a test never sees its end. */
const day = 86_400_000;
const chunk = (seed: number): Buffer => seededBytes(seed)(size);
const stutter = (seed: number): Buffer => chunk(seed).fill(0x5a, 100, 108);
/** A step that is there when the test lets it be. */
function held(step: () => Buffer): { step: () => Buffer; open(): void } {
  let isOpen = false;
  return {
    step: () => (isOpen ? step() : fails("ERR_SOURCE_UNREACHABLE")()),
    open: () => (isOpen = true),
  };
}

interface Started {
  readonly supply: Supply;
  readonly sink: RecordingSink;
  readonly captured: CapturedLog;
  readonly clock: ManualClock;
}

interface Options {
  readonly strategy?: MixingStrategy;
  readonly minSources?: number;
  /** Pieces that the sink takes. */
  readonly room?: number;
  readonly maxWait?: number;
  readonly chunkBytes?: number;
  /** What the mix counts with. */
  readonly millibits?: number;
}

const running = new Set<Supply>();
afterEach(async () => {
  await Promise.all([...running].map((supply) => supply.stop(AbortSignal.abort())));
  running.clear();
});

function start(scripts: Readonly<Record<string, Script>>, options: Options = {}): Started {
  const { strategy = "None", minSources = 1, room = Infinity, maxWait = day } = options;
  const { chunkBytes = size, millibits = 7_900 } = options;
  const captured = captureLog();
  const clock = new ManualClock();
  const sink = new RecordingSink(room);
  const names = Object.keys(scripts);
  const independence = new Independence(names);
  const entropy = { minEntropyMillibitsPerByte: 7900 };
  const supply = startSupply({
    sources: names.map((name) => ({
      source: scriptedSource(scripts[name]!, { name, chunkBytes }),
      tests: new SourceTests({
        ...entropy,
        alphaExponent: 40,
        sharedBlock: independence.checkFor(name),
      }),
      interval: 0,
    })),
    mixer: createMixer({
      strategy,
      minSources,
      sources: names.map((name) => ({ name, minEntropyMillibitsPerByte: millibits })),
      alphaExponent: 40,
    }),
    sink,
    mixBytes: 65_536,
    maxWait,
    onFetch: () => undefined,
    clock,
    random: () => 1,
    log: captured.log,
  });
  running.add(supply);
  return { supply, sink, captured, clock };
}

const down = fails("ERR_SOURCE_UNREACHABLE");
const trouble = (source: string, text: string) => ({
  source,
  trouble: text,
  isCutOff: /^(quarantined|failed)/.test(text),
});

test("bytes of all sources reach the sink, each with its own source's bit", async () => {
  const { sink } = start({
    lab: [() => chunk(1), down],
    roof: [() => chunk(2), down],
  });
  await eventually(() => sink.bytes().length === 2 * size);
  const of = (bit: number): Buffer =>
    Buffer.concat(sink.held.filter(({ sources }) => sources === bit).map(({ data }) => data));
  expect(of(1)).toEqual(chunk(1));
  expect(of(2)).toEqual(chunk(2));
});

test("XOR waits for its partner by name, and never goes on with fewer sources", async () => {
  const late = held(() => chunk(2));
  const { supply, sink, captured } = start(
    { lab: [() => chunk(1)], roof: [late.step, down] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => supply.missing().length > 0);
  expect(supply.missing()).toEqual([trouble("roof", "ERR_SOURCE_UNREACHABLE")]);
  expect(sink.bytes().length).toBe(0);
  expect(captured.lines()).toContainEqual(
    expect.objectContaining({
      level: "warn",
      message: "nothing goes on without these sources",
      missing: ["roof (ERR_SOURCE_UNREACHABLE)"],
    }),
  );
});

test("XOR goes on when its partner comes, and says so", async () => {
  const { supply, sink, captured } = start(
    { lab: [() => chunk(1), down], roof: [down, down, () => chunk(2), down] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => sink.bytes().length === size);
  const expected = chunk(1).map((byte, index) => byte ^ chunk(2)[index]!);
  expect(sink.bytes()).toEqual(Buffer.from(expected));
  expect(sink.held[0]?.sources).toBe(3);
  expect(captured.messages()).toContain("enough sources give bytes again");
  expect(supply.loops.map((loop) => loop.source)).toEqual(["lab", "roof"]);
});

test("a hash takes 73 bytes of each source for 64", async () => {
  const { sink } = start(
    { lab: [() => chunk(1), down], roof: [() => chunk(2), down] },
    { strategy: "Hash", minSources: 2 },
  );
  await eventually(() => sink.bytes().length === 14 * 64);
  const first = createHash("sha512")
    .update(chunk(1).subarray(0, 73))
    .update(chunk(2).subarray(0, 73))
    .digest();
  expect(sink.bytes().subarray(0, 64)).toEqual(first);
});

test("a hash gets its bytes also from sources whose chunks are far smaller than it takes", async () => {
  const [one, two] = [seededBytes(1), seededBytes(2)];
  const { sink } = start(
    { lab: [() => one(64)], roof: [() => two(64)] },
    { strategy: "Hash", minSources: 2, chunkBytes: 64, millibits: 1_000 },
  );
  await eventually(() => sink.bytes().length >= 4 * 64); // 576 bytes of each for 64
});

test("an alarm takes back what the source has in the sink, and counts what had gone", async () => {
  const gate = held(() => stutter(3));
  const { supply, sink, captured } = start({
    lab: [() => chunk(1), gate.step],
    roof: [() => chunk(2), down],
  });
  await eventually(() => sink.bytes().length === 2 * size);
  const [piece] = sink.held.splice(
    sink.held.findIndex(({ sources }) => sources === 1),
    1,
  ); // sent
  expect(piece?.data.length).toBe(size);
  gate.open();
  await eventually(() => supply.loops[0]?.standing().state === "quarantined");
  expect(sink.revoked).toEqual([1]);
  expect(sink.bytes()).toEqual(chunk(2));
  expect(captured.lines()).toContainEqual(
    expect.objectContaining({ test: "repetition count", zeroedBytes: 0, goneBytes: size }),
  );
});

test("a packet of several sources that is taken back does not make what had gone less than nothing", async () => {
  const gate = held(() => stutter(3));
  const { supply, sink, captured } = start({ lab: [() => chunk(1), gate.step] });
  await eventually(() => sink.bytes().length === size);
  sink.held.push({ data: chunk(2), fetchedAt: 0, sources: 3 });
  gate.open();
  await eventually(() => supply.loops[0]?.standing().state === "quarantined");
  expect(captured.lines()).toContainEqual(
    expect.objectContaining({ zeroedBytes: 2 * size, goneBytes: 0 }),
  );
});

test("what waits in the mix for a partner is zeroed with its source", async () => {
  const gate = held(() => stutter(3));
  const { supply, captured, sink } = start(
    { lab: [() => chunk(1), gate.step], roof: [down] },
    { strategy: "Xor", minSources: 2, room: 0 },
  );
  await eventually(() => supply.missing().length > 0);
  gate.open();
  // One chunk waits in the mix, so the next is not fetched before the alarm of another source.
  supply.loops[0]?.quarantine({ test: "mixed stream", tier: "intermittent" });
  expect(sink.bytes().length).toBe(0);
  expect(captured.lines()).toContainEqual(
    expect.objectContaining({ source: "lab", test: "mixed stream", zeroedBytes: size }),
  );
});

test("a source that is cut off while the sink is full is tested again", async () => {
  let seed = 0;
  const { supply, clock } = start({ lab: [() => chunk(seed++)] }, { room: 0 });
  await eventually(() => supply.loops[0]?.fetchedBytes() === size);
  supply.loops[0]?.quarantine({ test: "mixed stream", tier: "intermittent" });
  clock.advance(day);
  await eventually(() => supply.loops[0]?.standing().state === "trusted");
});

test("what is missing is told once, for whatever reasons it is", async () => {
  const timeout = fails("ERR_SOURCE_TIMEOUT");
  const { supply, captured } = start(
    { lab: [() => chunk(1)], roof: [down, timeout, down, timeout, down] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => supply.loops[1]?.outcomes.get("ERR_SOURCE_TIMEOUT") === 2);
  const told = captured
    .messages()
    .filter((message) => String(message).startsWith("nothing goes on"));
  expect(told.length).toBe(1);
});

test("sources that give the same bytes are both cut off", async () => {
  const { supply, captured } = start({
    lab: [() => chunk(1), down],
    roof: [down, () => Buffer.concat([chunk(2).subarray(0, 512), chunk(1).subarray(512)]), down],
  });
  await eventually(() => supply.troubles().length === 2);
  await eventually(() => supply.loops.every((loop) => loop.standing().state === "quarantined"));
  expect(supply.loops.map((loop) => loop.trouble())).toEqual([
    "quarantined: not independent",
    "quarantined: not independent",
  ]);
  const alarms = captured.lines().filter(({ level }) => level === "error");
  expect(new Set(alarms.map(({ source }) => source))).toEqual(new Set(["lab", "roof"]));
});

test("sources that cancel each other out are found in the mixed stream", async () => {
  const inverse = Buffer.from(chunk(1).map((byte) => byte ^ 0xff));
  const { supply, sink } = start(
    { lab: [() => chunk(1), down], roof: [() => Buffer.from(inverse), down] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => supply.loops.every((loop) => loop.standing().state === "failed"));
  expect(sink.bytes().length).toBe(0);
  expect(supply.troubles()).toEqual([
    trouble("lab", "failed: mixed stream"),
    trouble("roof", "failed: mixed stream"),
  ]);
});

test("a source that was cut off is missing at once, though it answers", async () => {
  const gate = held(() => stutter(3));
  let seed = 10;
  const { supply } = start(
    { lab: [() => chunk(1), () => chunk(2), gate.step], roof: [() => chunk(seed++)] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => supply.missing().length > 0);
  gate.open();
  await eventually(() => supply.loops[0]?.latest() === "ok");
  expect(supply.missing()).toEqual([trouble("lab", "quarantined: repetition count")]);
});

test("a source that has passed its retest is mixed again", async () => {
  const { supply, sink, clock } = start({
    lab: [() => chunk(1), () => stutter(2), () => chunk(3), () => chunk(4), down],
  });
  await eventually(() => supply.loops[0]?.standing().state === "quarantined");
  clock.advance(day);
  await eventually(() => supply.loops[0]?.trouble() === "ERR_SOURCE_UNREACHABLE");
  await eventually(() => sink.bytes().length === size);
  expect(sink.bytes()).toEqual(chunk(4));
});

test("a source that took no part in a mix is not blamed for it", async () => {
  const inverse = Buffer.from(chunk(1).map((byte) => byte ^ 0xff));
  const { supply } = start(
    { lab: [() => chunk(1), down], roof: [() => Buffer.from(inverse), down], cellar: [down] },
    { strategy: "Xor", minSources: 2 },
  );
  await eventually(() => supply.troubles().length === 3);
  await eventually(() => supply.loops[0]?.standing().state === "failed");
  expect(supply.loops.map((loop) => loop.trouble())).toEqual([
    "failed: mixed stream",
    "failed: mixed stream",
    "ERR_SOURCE_UNREACHABLE",
  ]);
  expect(supply.loops.map(({ discarded }) => discarded.get("alarm"))).toEqual([size, size, 0]);
});

test("bytes that waited too long do not make a slow partner's as old as they are", async () => {
  let seed = 10;
  const late = held(() => chunk(seed++));
  const { supply, sink, clock } = start(
    { lab: [() => chunk(1), () => chunk(3), down], roof: [late.step] },
    { strategy: "Xor", minSources: 2, maxWait: 60_000 },
  );
  await eventually(() => supply.loops[0]?.fetchedBytes() === size);
  await eventually(() => supply.missing().length > 0);
  clock.advance(60_000);
  late.open();
  await eventually(() => sink.bytes().length === size);
  expect(sink.held[0]?.fetchedAt).toBe(clock.monotonic());
  expect(sink.bytes()).toEqual(Buffer.from(chunk(3).map((byte, at) => byte ^ chunk(10)[at]!)));
  expect(supply.loops[0]?.discarded.get("expired")).toBe(size);
});

test("bytes that waited too long are zeroed also when no partner comes", async () => {
  const given = chunk(1);
  const { supply, clock } = start(
    { lab: [() => given, down], roof: [down] },
    { strategy: "Xor", minSources: 2, maxWait: 5 },
  );
  await eventually(() => supply.loops[0]?.fetchedBytes() === size);
  clock.advance(5);
  await eventually(() => given.equals(Buffer.alloc(size)));
  expect(supply.loops[0]?.discarded.get("expired")).toBe(size);
});

test("while the sink has no room, a source is asked for little more than one chunk", async () => {
  let seed = 0;
  const { supply, sink } = start({ lab: [() => chunk(seed++)] }, { room: 0 });
  await eventually(() => seed === 1);
  const other = start({ lab: [down] });
  await eventually(() => (other.supply.loops[0]?.outcomes.get("ERR_SOURCE_UNREACHABLE") ?? 0) > 0);
  expect(seed).toBe(1);
  sink.letIn(1);
  await eventually(() => seed === 2);
  expect(supply.loops[0]?.fetchedBytes()).toBe(2 * size);
});

test("stopping lets go on what has passed its tests, as long as there is grace", async () => {
  const { supply, sink } = start({ lab: [() => chunk(1), down] }, { room: 0 });
  await eventually(() => supply.loops[0]?.fetchedBytes() === size);
  const grace = new AbortController();
  const stopped = supply.stop(grace.signal);
  sink.letIn(2);
  await stopped;
  expect(sink.bytes()).toEqual(chunk(1));
  const { supply: stuck, sink: full } = start({ lab: [() => chunk(1), down] }, { room: 0 });
  await eventually(() => stuck.loops[0]?.fetchedBytes() === size);
  await stuck.stop(AbortSignal.abort());
  expect(full.bytes().length).toBe(0);
  expect(stuck.loops[0]?.discarded.get("shutdown")).toBe(size);
});
