import { Tally } from "../metrics.ts";
import { failedFipsTests, type FipsFigures, type FipsTest, fipsTests } from "./fips.ts";
import { FipsBlocks } from "./fipsBlocks.ts";

/** Blocks that are looked back on. */
export const fipsWindowBlocks = 1_000;
/** The latest of these: a source that fails quickly alarms before a whole window is seen. */
export const fipsShortWindowBlocks = 200;

/**
 * Failed blocks in the window, and in the short one, that raise an alarm; by the exponent e of the
 * probability 2^−e that a good source reaches the first in a given window. Looked at after every
 * block, a good source at 16 Mbit/s alarms falsely about every 17 hours, 2.4 years, 4,000 years.
 */
export const fipsAlarmLevels = {
  20: { window: 9, shortWindow: 5 },
  30: { window: 12, shortWindow: 7 },
  40: { window: 14, shortWindow: 9 },
} as const;
export type FipsAlarmLevel = keyof typeof fipsAlarmLevels;

/** The level for an exponent of 20 or more: its own or the next below, never a laxer one. */
export function fipsAlarmLevelFor(exponent: number): FipsAlarmLevel {
  if (exponent >= 40) return 40;
  return exponent >= 30 ? 30 : 20;
}

export interface FipsReport {
  /** Tested since the start. */
  readonly blocks: number;
  /** The latest ones, which the figures below are about. */
  readonly windowBlocks: number;
  readonly failedBlocks: number;
  /** A block may fail several tests. */
  readonly failures: Readonly<Record<FipsTest, number>>;
  /** The test that failed most in the window, the first of `fipsTests` among equals. */
  readonly alarm: { readonly test: FipsTest } | undefined;
}

/**
 * Tests every block of a stream, which comes in pieces of any size; blocks do not overlap. Two
 * states: it is `quiet` until either window holds as many failed blocks as its threshold, and then
 * `alarmed` until the short window holds none and the long one is below its threshold.
 */
export class FipsMonitor {
  /** Failures by test since the start. */
  readonly failures = new Tally<FipsTest>(fipsTests);
  readonly #thresholds: (typeof fipsAlarmLevels)[FipsAlarmLevel];
  readonly #cutter = new FipsBlocks((figures) => this.#judge(figures));
  /** Of each block of the window, at its number modulo the window: a bit for each failed test. */
  readonly #window = new Uint8Array(fipsWindowBlocks);
  readonly #windowFailures = new Uint16Array(fipsTests.length);
  #blocks = 0;
  /** Of these, the ones before the latest restart. */
  #forgottenBlocks = 0;
  #failedBlocks = 0;
  #shortFailedBlocks = 0;
  #alarmed = false;
  #raised: FipsTest | undefined;

  constructor(level: FipsAlarmLevel = 30) {
    this.#thresholds = fipsAlarmLevels[level];
  }

  /**
   * The bytes are left as they are.
   * @returns the test of the first alarm that they raised, also where it has ended by their end
   */
  update(bytes: Uint8Array): FipsTest | undefined {
    this.#raised = undefined;
    this.#cutter.update(bytes);
    return this.#raised;
  }

  report(): FipsReport {
    return {
      blocks: this.#blocks,
      windowBlocks: Math.min(this.#blocks - this.#forgottenBlocks, fipsWindowBlocks),
      failedBlocks: this.#failedBlocks,
      failures: Object.fromEntries(
        fipsTests.map((test, index) => [test, this.#windowFailures[index]!]),
      ) as Record<FipsTest, number>,
      alarm: this.#alarmed ? { test: this.#worstTest() } : undefined,
    };
  }

  /** Begins anew, quiet, with empty windows; the counts since the start stay. */
  restart(): void {
    this.close();
    this.#window.fill(0);
    this.#windowFailures.fill(0);
    this.#failedBlocks = 0;
    this.#shortFailedBlocks = 0;
    this.#alarmed = false;
    this.#forgottenBlocks = this.#blocks;
  }

  /** Zeroes what it has kept of the stream; its counts stay. */
  close(): void {
    this.#cutter.close();
  }

  #judge(figures: FipsFigures): void {
    const failed = failedFipsTests(figures);
    for (const test of failed) this.failures.add(test);
    this.#slide(failed.reduce((mask, test) => mask | (1 << fipsTests.indexOf(test)), 0));
    const { window, shortWindow } = this.#thresholds;
    const wasAlarmed = this.#alarmed;
    const shortLimit = wasAlarmed ? 1 : shortWindow;
    this.#alarmed = this.#failedBlocks >= window || this.#shortFailedBlocks >= shortLimit;
    if (this.#alarmed && !wasAlarmed) this.#raised ??= this.#worstTest();
  }

  #worstTest(): FipsTest {
    const most = Math.max(...this.#windowFailures);
    return fipsTests[this.#windowFailures.indexOf(most)]!;
  }

  /** The windows move on by one block, whose failed tests are `mask`. */
  #slide(mask: number): void {
    const at = this.#blocks % fipsWindowBlocks;
    const leavesShort = (at + fipsWindowBlocks - fipsShortWindowBlocks) % fipsWindowBlocks;
    this.#shortFailedBlocks += Number(mask !== 0) - Number(this.#window[leavesShort] !== 0);
    this.#failedBlocks += Number(mask !== 0) - Number(this.#window[at] !== 0);
    for (let test = 0; test < fipsTests.length; test++) {
      this.#windowFailures[test]! += ((mask >> test) & 1) - ((this.#window[at]! >> test) & 1);
    }
    this.#window[at] = mask;
    this.#blocks += 1;
  }
}
