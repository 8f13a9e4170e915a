import type { ByValue } from "./bitCounts.ts";
import {
  failedFipsTests,
  fipsFailureRate,
  type FipsFigures,
  type FipsTest,
  fipsTests,
} from "./fips.ts";
import { significance } from "./pValues.ts";
import { igam } from "./specialFunctions.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** FIPS 140-2 on every whole block; a range tells of all blocks. */
export interface FipsQuality {
  readonly blocks: number;
  /** Blocks that failed at least one test. */
  readonly failedBlocks: number;
  /** The chance that as many blocks of a good source fail, one in 1,250 of which does. */
  readonly pValue: number;
  /** Whether that chance is `significance` at least; a single block must not fail. */
  readonly passed: boolean;
  readonly failures: Readonly<Record<FipsTest, number>>;
  readonly ones: Range;
  readonly poker: Range;
  /** Runs of length 1 … 5, and of 6 or more. */
  readonly runs: ByValue<readonly Range[]>;
  readonly longestRun: number;
  readonly equalWords: number;
}

/** The figures of many blocks as ranges, and how many blocks failed what. */
export class FipsSummary {
  readonly #failures = new Map<FipsTest, number>(fipsTests.map((test) => [test, 0]));
  #blocks = 0;
  #failedBlocks = 0;
  #ones = noRange;
  #poker = noRange;
  #zeroRuns = noRuns;
  #oneRuns = noRuns;
  #longestRun = 0;
  #equalWords = 0;

  add(figures: FipsFigures): void {
    const failed = failedFipsTests(figures);
    for (const test of failed) this.#failures.set(test, this.#failures.get(test)! + 1);
    this.#blocks += 1;
    if (failed.length > 0) this.#failedBlocks += 1;
    this.#ones = widen(this.#ones, figures.ones);
    this.#poker = widen(this.#poker, figures.poker);
    this.#zeroRuns = this.#zeroRuns.map((range, at) => widen(range, figures.runs.zeros[at]!));
    this.#oneRuns = this.#oneRuns.map((range, at) => widen(range, figures.runs.ones[at]!));
    this.#longestRun = Math.max(this.#longestRun, figures.longestRun);
    this.#equalWords += figures.equalWords;
  }

  result(): FipsQuality {
    const pValue = failedBlocksPValue(this.#failedBlocks, this.#blocks);
    return {
      blocks: this.#blocks,
      failedBlocks: this.#failedBlocks,
      pValue,
      passed: pValue >= significance,
      failures: Object.fromEntries(this.#failures) as Record<FipsTest, number>,
      ones: this.#ones,
      poker: this.#poker,
      runs: { zeros: this.#zeroRuns, ones: this.#oneRuns },
      longestRun: this.#longestRun,
      equalWords: this.#equalWords,
    };
  }
}

/**
 * The chance that so many or more of a good source's blocks fail: Poisson, whose upper tail is
 * P(failed, mean), DLMF 8.4.9 (the binomial's is hardly smaller).
 */
export function failedBlocksPValue(failed: number, blocks: number): number {
  return failed === 0 ? 1 : igam(failed, blocks * fipsFailureRate);
}

const noRange: Range = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
const noRuns: readonly Range[] = Array.from({ length: 6 }, () => noRange);

function widen({ min, max }: Range, value: number): Range {
  return { min: Math.min(min, value), max: Math.max(max, value) };
}
