import { BitCounts, type ByValue } from "./bitCounts.ts";

/**
 * FIPS 140-2 with change notice 1 (10 October 2001): section 4.9.1, the statistical random number
 * generator tests on 20,000 bits, and section 4.9.2, the continuous test, here on 32-bit words. The
 * standard leaves the order of bits open: the highest bit of a byte comes first. Change notice 2
 * took the statistical tests out again; they stay a good check for broken sources, no more.
 */
export const fipsTests = ["monobit", "poker", "runs", "longest run", "continuous run"] as const;
export type FipsTest = (typeof fipsTests)[number];

export const fipsBlockBytes = 2_500;
export const fipsWordBytes = 4;

/** The share of a good source's blocks that fail: counted on 4·10⁶ blocks. */
export const fipsFailureRate = 0.0008;

/** Passes strictly between. */
const onesBetween = [9_725, 10_275] as const;
const pokerBetween = [2.16, 46.17] as const;
/** Passes from … to, for runs of length 1 … 5 and of 6 or more, of each value. */
const runsFromTo = [
  [2_315, 2_685],
  [1_114, 1_386],
  [527, 723],
  [240, 384],
  [103, 209],
  [103, 209],
] as const;
/** Passes below. */
const longestRunBelow = 26;

/** What the tests judge of one block. */
export interface FipsFigures {
  readonly ones: number;
  /** X = (16 / 5000) Σ fᵢ² − 5000 over the 16 numbers of four bits. */
  readonly poker: number;
  /** Runs of length 1 … 5, and of 6 or more. */
  readonly runs: ByValue<readonly number[]>;
  readonly longestRun: number;
  /** Words equal to the one before. */
  readonly equalWords: number;
}

/** Used again for every block: a new one would cost as much as the counting. */
const counts = new BitCounts();

/**
 * @param block exactly `fipsBlockBytes`; left as it is
 * @param before the word that came before the block, if one did
 */
export function measureFipsBlock(block: Uint8Array, before?: Uint8Array): FipsFigures {
  if (block.length !== fipsBlockBytes) throw new RangeError("a FIPS block is 2500 bytes");
  counts.clear();
  counts.add(block);
  const { ones, nibbles, runs, longestRun } = counts.figures();
  return {
    ones,
    poker: (16 / 5_000) * nibbles.reduce((sum, times) => sum + times * times, 0) - 5_000,
    runs,
    longestRun: Math.max(longestRun.zeros, longestRun.ones),
    equalWords:
      countEqualWords(block) + (before !== undefined && beginsWith(block, before) ? 1 : 0),
  };
}

/** The names of the tests that figures fail, in the order of `fipsTests`. */
export function failedFipsTests(figures: FipsFigures): FipsTest[] {
  const { ones, poker, runs, longestRun, equalWords } = figures;
  const passes: Record<FipsTest, boolean> = {
    monobit: ones > onesBetween[0] && ones < onesBetween[1],
    poker: poker > pokerBetween[0] && poker < pokerBetween[1],
    runs: [runs.zeros, runs.ones].every((counts) =>
      runsFromTo.every(([from, to], index) => counts[index]! >= from && counts[index]! <= to),
    ),
    "longest run": longestRun < longestRunBelow,
    "continuous run": equalWords === 0,
  };
  return fipsTests.filter((test) => !passes[test]);
}

/** The names of the tests that a block fails; none for a good block. */
export function testFipsBlock(block: Uint8Array, before?: Uint8Array): FipsTest[] {
  return failedFipsTests(measureFipsBlock(block, before));
}

function countEqualWords(block: Uint8Array): number {
  let equal = 0;
  for (let at = fipsWordBytes; at < block.length; at += fipsWordBytes) {
    if (
      block[at] === block[at - 4] &&
      block[at + 1] === block[at - 3] &&
      block[at + 2] === block[at - 2] &&
      block[at + 3] === block[at - 1]
    ) {
      equal += 1;
    }
  }
  return equal;
}

function beginsWith(block: Uint8Array, word: Uint8Array): boolean {
  return word.every((byte, index) => block[index] === byte);
}
