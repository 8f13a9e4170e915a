import { describe, expect, test } from "vitest";
import {
  failedFipsTests,
  fipsBlockBytes,
  type FipsTest,
  fipsTests,
  measureFipsBlock,
  testFipsBlock,
} from "../../../common/health/fips.ts";
import { seededRandom } from "../../helpers/seededRandom.ts";
import { biasedBytes, bitsOf, bytesOf, goodBytes, shuffle } from "./helpers/streams.ts";

const bits = fipsBlockBytes * 8;
/** Passes all tests, far from every bound. */
const good = goodBytes(9, fipsBlockBytes);

function fails(block: Uint8Array, test: FipsTest): boolean {
  return testFipsBlock(block).includes(test);
}

/** The good block with bits turned over until it has so many ones. */
function withOnes(wanted: number): Uint8Array {
  const block = bitsOf(good).split("");
  let ones = block.filter((bit) => bit === "1").length;
  const random = seededRandom(1);
  while (ones !== wanted) {
    const at = Math.floor(random() * bits);
    const bit = ones < wanted ? "1" : "0";
    if (block[at] === bit) continue;
    block[at] = bit;
    ones += ones < wanted ? 1 : -1;
  }
  return bytesOf(block.join(""));
}

/** A block whose 5,000 nibbles have the sum of squared frequencies; it has to be even. */
function withSquares(wanted: number): Uint8Array {
  const counts: number[] = Array.from({ length: 16 }, (_, nibble) => (nibble < 8 ? 312 : 313));
  const random = seededRandom(2);
  const squares = (): number => counts.reduce((sum, count) => sum + count * count, 0);
  for (let sum = squares(); sum !== wanted; sum = squares()) {
    const from = Math.floor(random() * 16);
    const to = Math.floor(random() * 16);
    const change = 2 * (counts[to]! - counts[from]! + 1);
    if (from === to || change <= 0 || sum + change > wanted) continue;
    counts[from]! -= 1;
    counts[to]! += 1;
  }
  const nibbles = counts.flatMap((count, nibble) => Array.from({ length: count }, () => nibble));
  const hex = shuffle(nibbles, random).map((nibble) => nibble.toString(16));
  return Buffer.from(hex.join(""), "hex");
}

const bounds = [
  [2_315, 2_685],
  [1_114, 1_386],
  [527, 723],
  [240, 384],
  [103, 209],
  [103, 209],
] as const;
type Value = 0 | 1;

/**
 * A block with so many runs of a length and value, and all other counts within their bounds: runs
 * of both values alternate, so others of the value make room, and the longest fill the block.
 */
function withRuns(value: Value, length: number, wanted: number): Uint8Array {
  const usual = [2_500, 1_250, 625, 312, 156, 156];
  const counts: [zeros: number[], ones: number[]] = [[...usual], [...usual]];
  const own = counts[value];
  let left = own[length - 1]! - wanted;
  own[length - 1] = wanted;
  const nearest = [1, 2, 3, 4, 5, 6]
    .filter((other) => other !== length)
    .sort((a, b) => Math.abs(a - length) - Math.abs(b - length));
  for (const other of nearest) {
    const [from, to] = bounds[other - 1]!;
    const before = own[other - 1]!;
    own[other - 1] = Math.min(to, Math.max(from, before + left));
    left -= own[other - 1]! - before;
  }
  if (left !== 0) throw new Error("the other lengths do not make room");

  const random = seededRandom(3);
  const runs = counts.map((all) =>
    all.flatMap((count, index) => Array.from({ length: count }, () => index + 1)),
  );
  const total = runs.flat().reduce((sum, run) => sum + run, 0);
  let missing = bits - total;
  if (missing < 0) throw new Error("too long");
  for (let round = 0; missing > 0; round++) {
    const long = runs[round % 2]!;
    const at = long.indexOf(6, 0) + Math.floor(random() * 50);
    if (long[at]! < 6 || long[at]! >= 20) continue;
    long[at]! += 1;
    missing -= 1;
  }
  const [zeros, ones] = runs.map((all) => shuffle(all, random));
  return bytesOf(zeros!.map((run, at) => "0".repeat(run) + "1".repeat(ones![at]!)).join(""));
}

/** The good block with a run of exactly so many of the value. */
function withLongRun(value: Value, length: number): Uint8Array {
  const other = 1 - value;
  const text = bitsOf(good);
  const run = `${other}${String(value).repeat(length)}${other}`;
  return bytesOf(text.slice(0, 10_001) + run + text.slice(10_001 + run.length));
}

test("a good block fails nothing", () => {
  expect(testFipsBlock(good)).toEqual([]);
});

test.each([
  [9_725, true],
  [9_726, false],
  [10_274, false],
  [10_275, true],
])("monobit: %d ones", (ones, isFailure) => {
  const block = withOnes(ones);
  expect(measureFipsBlock(block).ones).toBe(ones);
  expect(fails(block, "monobit")).toBe(isFailure);
});

// Σ f² is even, since Σ f is 5000
test.each([
  [1_563_174, true],
  [1_563_176, false],
  [1_576_928, false],
  [1_576_930, true],
])("poker: squares that add up to %d", (squares, isFailure) => {
  const block = withSquares(squares);
  expect(measureFipsBlock(block).poker).toBeCloseTo((16 / 5_000) * squares - 5_000, 9);
  expect(fails(block, "poker")).toBe(isFailure);
});

describe("runs", () => {
  const rows = bounds.flatMap(([from, to], index) =>
    ([0, 1] as const).flatMap((value) =>
      [
        [from - 1, true],
        [from, false],
        [to, false],
        [to + 1, true],
      ].map(([count, isFailure]) => ({ value, length: index + 1, count, isFailure })),
    ),
  );
  test.each(rows)("$count of value $value and length $length", (row) => {
    const block = withRuns(row.value, row.length, Number(row.count));
    const { runs } = measureFipsBlock(block);
    const counts = row.value === 1 ? runs.ones : runs.zeros;
    expect(counts[row.length - 1]).toBe(row.count);
    expect(fails(block, "runs")).toBe(row.isFailure);
  });
});

test.each([
  [0, 25, false],
  [0, 26, true],
  [1, 25, false],
  [1, 26, true],
] as const)("a run of %d, %d long", (value, length, isFailure) => {
  const block = withLongRun(value, length);
  expect(measureFipsBlock(block).longestRun).toBe(length);
  expect(testFipsBlock(block)).toEqual(isFailure ? ["longest run"] : []);
});

describe("continuous run", () => {
  test("a word equal to the one before it", () => {
    const block = Uint8Array.from(good);
    block.copyWithin(1_204, 1_200, 1_204);
    expect(measureFipsBlock(block).equalWords).toBe(1);
    expect(testFipsBlock(block)).toEqual(["continuous run"]);
  });

  test.each([0, 1, 2, 3])("words that differ in byte %d only are not equal", (at) => {
    const block = Uint8Array.from(good);
    block.copyWithin(1_204, 1_200, 1_204);
    block[1_204 + at]! ^= 1;
    expect(measureFipsBlock(block).equalWords).toBe(0);
  });

  test("equal bytes that are no word of the block's do not matter", () => {
    const block = Uint8Array.from(good);
    block.copyWithin(1_205, 1_201, 1_205);
    expect(testFipsBlock(block)).toEqual([]);
  });

  test("the first word, equal to the last of the block before", () => {
    expect(testFipsBlock(good, good.subarray(0, 4))).toEqual(["continuous run"]);
    expect(testFipsBlock(good, good.subarray(1, 5))).toEqual([]);
  });
});

test.each([
  ["all zero", 0x00, ["monobit", "poker", "runs", "longest run", "continuous run"]],
  ["all ones", 0xff, ["monobit", "poker", "runs", "longest run", "continuous run"]],
  ["alternating", 0xaa, ["poker", "runs", "continuous run"]],
])("%s", (_name, byte, wanted) => {
  expect(testFipsBlock(new Uint8Array(fipsBlockBytes).fill(byte))).toEqual(wanted);
});

test("anything but a block is refused", () => {
  expect(() => testFipsBlock(new Uint8Array(2_499))).toThrow(RangeError);
  expect(() => testFipsBlock(new Uint8Array(2_501))).toThrow(RangeError);
});

// rngtest 2.2 (Debian rng-tools-debian), fed with the same bytes; it takes the first word for the
// continuous test only.
test.each([
  ["good", goodBytes(1, 4 + 8_000 * fipsBlockBytes), 4, [0, 2, 1, 1, 0]],
  ["biased", biasedBytes(4 + 400 * fipsBlockBytes, 6), 19, [18, 1, 2, 0, 0]],
])("a %s stream fails as often as rngtest says", (_name, stream, failedBlocks, failures) => {
  let failed = 0;
  const counts = fipsTests.map(() => 0);
  for (let at = 4; at < stream.length; at += fipsBlockBytes) {
    const figures = measureFipsBlock(
      stream.subarray(at, at + fipsBlockBytes),
      stream.subarray(at - 4, at),
    );
    const names = failedFipsTests(figures);
    if (names.length > 0) failed += 1;
    for (const name of names) counts[fipsTests.indexOf(name)]! += 1;
  }
  expect({ failed, counts }).toEqual({ failed: failedBlocks, counts: failures });
});
