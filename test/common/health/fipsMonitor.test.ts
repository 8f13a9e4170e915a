import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fipsBlockBytes,
  type FipsTest,
  fipsTests,
  testFipsBlock,
} from "../../../common/health/fips.ts";
import {
  fipsAlarmLevels,
  type FipsAlarmLevel,
  fipsAlarmLevelFor,
  FipsMonitor,
  type FipsReport,
} from "../../../common/health/fipsMonitor.ts";
import { seededRandom } from "../../helpers/seededRandom.ts";
import { copiesDuring } from "./helpers/copies.ts";
import { biasedBytes, cut, goodBytes } from "./helpers/streams.ts";

const good = goodBytes(9, fipsBlockBytes);
const longRun = changed(good, (block) => block.fill(0, 1_201, 1_205));
const equalWords = changed(good, (block) => block.copyWithin(1_204, 1_200, 1_204));
const both = changed(longRun, (block) => block.copyWithin(604, 600, 604));
/** One after the other they have no word twice in a row at their edges. */
const kinds = [good, longRun, equalWords, both];

function changed(block: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(block);
  change(copy);
  return copy;
}

function fed(blocks: readonly Uint8Array[], level?: FipsAlarmLevel): FipsMonitor {
  const monitor = new FipsMonitor(level);
  for (const block of blocks) monitor.update(block);
  return monitor;
}

function repeated(times: number, block: Uint8Array): Uint8Array[] {
  return Array.from({ length: times }, () => block);
}

/** `failures` blocks that fail, the first at once, the last as block number `last`. */
function spread(failures: number, last: number): Uint8Array[] {
  const failing = new Set(
    Array.from({ length: failures }, (_, index) => Math.floor((index * last) / (failures - 1))),
  );
  return Array.from({ length: last + 1 }, (_, at) => (failing.has(at) ? longRun : good));
}

describe("levels", () => {
  const levels = [20, 30, 40] as const;

  test("are those of entropy.md", () => {
    expect(levels.map((level) => Object.values(fipsAlarmLevels[level]))).toEqual([
      [9, 5],
      [12, 7],
      [14, 9],
    ]);
    const eleven = [...repeated(11, longRun), ...repeated(188, good)];
    expect(fed(eleven).report()).toEqual(fed(eleven, 30).report());
  });

  test.each(levels)("2^−%d: the failures of 1,000 blocks", (level) => {
    const { window } = fipsAlarmLevels[level];
    expect(fed(spread(window - 1, 999), level).report().alarm).toBeUndefined();
    expect(fed(spread(window, 999), level).report().alarm).toEqual({ test: "longest run" });
    expect(fed(spread(window, 1_000), level).report().alarm).toBeUndefined();
  });

  test.each(levels)("2^−%d: the failures of 200 blocks", (level) => {
    const { shortWindow } = fipsAlarmLevels[level];
    expect(fed(spread(shortWindow - 1, 199), level).report().alarm).toBeUndefined();
    expect(fed(spread(shortWindow, 199), level).report().alarm).toEqual({ test: "longest run" });
    expect(fed(spread(shortWindow, 200), level).report().alarm).toBeUndefined();
    expect(fed(repeated(shortWindow, longRun), level).report().alarm).toBeDefined();
  });
});

test("an alarm ends with 200 good blocks, and the longer window below its threshold", () => {
  const monitor = fed(repeated(7, longRun));
  for (const block of repeated(199, good)) monitor.update(block);
  expect(monitor.report().alarm).toBeDefined();
  monitor.update(good);
  expect(monitor.report()).toMatchObject({ blocks: 207, failedBlocks: 7, alarm: undefined });

  const longer = fed(repeated(20, longRun));
  for (const block of repeated(988, good)) longer.update(block);
  expect(longer.report()).toMatchObject({ windowBlocks: 1_000, failedBlocks: 12 });
  expect(longer.report().alarm).toBeDefined();
  longer.update(good);
  expect(longer.report()).toMatchObject({ failedBlocks: 11, alarm: undefined });
});

test("an update tells the alarm that it raised, also one that has ended by its end", () => {
  const monitor = new FipsMonitor(30);
  expect(monitor.update(Buffer.concat(repeated(6, longRun)))).toBeUndefined();
  const bytes = Buffer.concat([longRun, ...repeated(200, good)]);
  expect(monitor.update(bytes)).toBe("longest run");
  expect(monitor.report().alarm).toBeUndefined();
  expect(monitor.update(good)).toBeUndefined();
});

test("after a restart it is as new but for its totals", () => {
  const monitor = fed(repeated(20, both), 40);
  monitor.update(good.subarray(0, 100));
  monitor.restart();
  expect(monitor.report()).toEqual({ ...fed([], 40).report(), blocks: 20 });
  expect(monitor.failures.get("continuous run")).toBe(20);
  expect(monitor.update(Buffer.concat(repeated(8, longRun)))).toBeUndefined();
  expect(monitor.report()).toMatchObject({ blocks: 28, windowBlocks: 8, failedBlocks: 8 });
  expect(monitor.update(longRun)).toBe("longest run");
  monitor.update(Buffer.concat(repeated(991, good)));
  expect(monitor.report()).toMatchObject({ windowBlocks: 1_000, failedBlocks: 9 });
});

test.each([
  [20, 20],
  [29, 20],
  [30, 30],
  [39, 30],
  [40, 40],
  [60, 40],
])("2^−%d has the level %d: none is laxer than asked for", (exponent, level) => {
  expect(fipsAlarmLevelFor(exponent)).toBe(level);
});

test("the totals by test only grow", () => {
  const monitor = fed([...repeated(3, both), longRun, ...repeated(1_000, good)]);
  expect(monitor.report().failedBlocks).toBe(0);
  expect(monitor.failures.entries()).toEqual([
    ["monobit", 0],
    ["poker", 0],
    ["runs", 0],
    ["longest run", 4],
    ["continuous run", 3],
  ]);
});

/** The monitor as anybody would first write it: a list of what each block failed. */
class Model {
  readonly #blocks: FipsTest[][] = [];
  #alarmed = false;
  readonly #level: FipsAlarmLevel;

  constructor(level: FipsAlarmLevel) {
    this.#level = level;
  }

  add(failed: FipsTest[]): void {
    this.#blocks.push(failed);
    const failures = (size: number): number =>
      this.#blocks.slice(-size).filter((block) => block.length > 0).length;
    const { window, shortWindow } = fipsAlarmLevels[this.#level];
    this.#alarmed = this.#alarmed
      ? failures(1_000) >= window || failures(200) > 0
      : failures(1_000) >= window || failures(200) >= shortWindow;
  }

  alarmed(): boolean {
    return this.#alarmed;
  }

  report(): FipsReport {
    const window = this.#blocks.slice(-1_000);
    const count = (name: FipsTest): number => window.filter((all) => all.includes(name)).length;
    const most = Math.max(...fipsTests.map(count));
    return {
      blocks: this.#blocks.length,
      windowBlocks: window.length,
      failedBlocks: window.filter((failed) => failed.length > 0).length,
      failures: Object.fromEntries(fipsTests.map((name) => [name, count(name)])) as Record<
        FipsTest,
        number
      >,
      alarm: this.#alarmed ? { test: fipsTests.find((name) => count(name) === most)! } : undefined,
    };
  }
}

test("is a naive model of its windows and its two states", () => {
  const failed = kinds.map((block) => testFipsBlock(block));
  expect(failed).toEqual([
    [],
    ["longest run"],
    ["continuous run"],
    ["longest run", "continuous run"],
  ]);
  const stretch = fc.record({
    kind: fc.nat(kinds.length - 1),
    blocks: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })),
    goodAfter: fc.oneof(fc.nat(30), fc.nat(400)),
  });
  let alarms = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(20, 30, 40),
      fc.array(stretch, { minLength: 1, maxLength: 8 }),
      (level, stretches) => {
        const model = new Model(level);
        const monitor = new FipsMonitor(level);
        const feed = (kind: number): void => {
          model.add(failed[kind]!);
          monitor.update(kinds[kind]!);
          if (model.alarmed() !== (monitor.report().alarm !== undefined)) {
            expect(monitor.report()).toEqual(model.report());
          }
        };
        for (const { kind, blocks, goodAfter } of stretches) {
          for (let block = 0; block < blocks; block++) feed(kind);
          expect(monitor.report()).toEqual(model.report());
          if (monitor.report().alarm !== undefined) alarms += 1;
          for (let block = 0; block < goodAfter; block++) feed(0);
          expect(monitor.report()).toEqual(model.report());
        }
      },
    ),
    { numRuns: 15, seed: 4 },
  );
  expect(alarms).toBeGreaterThan(10);
});

test("how a stream is cut does not matter", () => {
  const stream = biasedBytes(12 * fipsBlockBytes + 77, 5);
  stream.copy(stream, 5 * fipsBlockBytes, 5 * fipsBlockBytes - 4, 5 * fipsBlockBytes); // over an edge
  const whole = fed([stream]);
  expect(whole.report().failures["continuous run"]).toBe(1);
  fc.assert(
    fc.property(fc.array(fc.nat(6_000), { maxLength: 30 }), (sizes) => {
      const monitor = fed(cut(stream, sizes));
      expect(monitor.report()).toEqual(whole.report());
    }),
    { numRuns: 60 },
  );
  expect(
    fed(
      cut(
        stream,
        Array.from({ length: 30_077 }, () => 1),
      ),
    ).report(),
  ).toEqual(whole.report());
});

describe("streams", () => {
  const blocks = 200;
  const bytes = blocks * fipsBlockBytes;
  const inEachBlock = (change: (block: Buffer) => void): Buffer => {
    const stream = goodBytes(1, bytes);
    for (let at = 0; at < bytes; at += fipsBlockBytes) {
      change(stream.subarray(at, at + fipsBlockBytes));
    }
    return stream;
  };
  /** Every other 0011 becomes 1100: as many ones, about the same runs. */
  const withRareNibble = (): Buffer =>
    goodBytes(1, bytes).map((byte, at) =>
      byte >> 4 === 3 && at % 2 === 0 ? byte ^ 0xf0 : byte,
    ) as Buffer;
  /** Each bit is the one before with probability 0.53. */
  const sluggish = (): Buffer => {
    const random = seededRandom(1);
    let bit = 0;
    return Buffer.alloc(bytes).map(() => {
      let byte = 0;
      for (let index = 0; index < 8; index++) {
        if (random() >= 0.53) bit ^= 1;
        byte = (byte << 1) | bit;
      }
      return byte;
    }) as Buffer;
  };

  test("a good one: four of 8,000 blocks fail, as rngtest says of it, and nothing alarms", () => {
    const monitor = new FipsMonitor(20);
    const stream = goodBytes(1, 4 + 8_000 * fipsBlockBytes).subarray(4);
    for (let at = 0; at < stream.length; at += 65_536) {
      monitor.update(stream.subarray(at, at + 65_536));
      expect(monitor.report().alarm).toBeUndefined();
    }
    expect(monitor.report()).toMatchObject({ blocks: 8_000, windowBlocks: 1_000 });
    expect(monitor.failures.entries().map(([, count]) => count)).toEqual([0, 2, 1, 1, 0]);
  });

  test.each([
    ["monobit", biasedBytes(bytes, 5)],
    ["poker", withRareNibble()],
    ["runs", sluggish()],
    ["longest run", inEachBlock((block) => block.fill(0, 1_201, 1_205))],
    ["continuous run", inEachBlock((block) => block.copyWithin(1_204, 1_200, 1_204))],
    ["monobit", Buffer.alloc(bytes)],
  ])("one that fails %s most alarms by that name", (name, stream) => {
    expect(fed([stream]).report().alarm).toEqual({ test: name });
  });
});

describe("bytes that it keeps", () => {
  const stream = goodBytes(1, 3 * fipsBlockBytes);

  test("of a block that is not whole are zeroed once it is, and at the end", () => {
    const monitor = new FipsMonitor();
    const kept = copiesDuring(() => monitor.update(stream.subarray(0, 1_000)));
    expect(kept.some((memory) => memory.includes(stream[999]!))).toBe(true);
    monitor.update(stream.subarray(1_000, fipsBlockBytes));
    expect(kept.every((memory) => memory.every((byte) => byte === 0))).toBe(true);
  });

  test("are zeroed when it is closed", () => {
    const monitor = new FipsMonitor();
    const kept = copiesDuring(() => monitor.update(stream.subarray(0, 6_000)));
    expect(kept.filter((memory) => memory.some((byte) => byte !== 0))).toHaveLength(3); // one twice
    monitor.close();
    expect(kept.every((memory) => memory.every((byte) => byte === 0))).toBe(true);
    // begins a new block, of a new stream: no word comes before it
    monitor.update(changed(good, (block) => block.fill(0, 0, 4)));
    expect(monitor.report()).toMatchObject({ blocks: 3, failures: { "continuous run": 0 } });
  });

  test("are copies: what it is fed stays as it is", () => {
    const copy = Uint8Array.from(stream);
    fed(cut(copy, [1_000, 3_000]));
    expect(Buffer.compare(copy, stream)).toBe(0);
  });
});
