import type { AlarmTier, ContinuousTest } from "./alarms.ts";
import { type Cutoffs, type TierCutoffs, windowSamples } from "./cutoffs.ts";

export interface ContinuousAlarm {
  readonly test: ContinuousTest;
  readonly tier: AlarmTier;
  /** Bytes of the piece up to the one that reached the cutoff, which is counted. */
  readonly at: number;
}

/** No byte is equal to it. */
const none = -1;

/**
 * The repetition count test and the adaptive proportion test of SP 800-90B, sections 4.4.1 and
 * 4.4.2, on every byte of a stream that comes in pieces of any size. Windows follow each other, and
 * runs go on across them. The bytes are left as they are.
 */
export class ContinuousTests {
  readonly #cutoffs: TierCutoffs;
  #examined = 0;
  #clear = 0;
  #last = none;
  #run = 0;
  /** The sample that began the window, and how often it has come in it. */
  #sample = none;
  #count = 0;
  #windowLeft = windowSamples;

  constructor(cutoffs: TierCutoffs) {
    this.#cutoffs = cutoffs;
  }

  /** Since the beginning. */
  get examinedBytes(): number {
    return this.#examined;
  }

  /** How many bytes since the beginning are in windows that have passed. */
  get clearBytes(): number {
    return this.#clear;
  }

  /**
   * After an alarm of the intermittent tier the rest of the piece is examined by the permanent
   * cutoffs, both tests again: a stuck source reaches them. Where the piece ends before, the alarm
   * stays intermittent; the source is then tested anew, and the next piece shows what it is. What
   * comes after an alarm needs a `restart`.
   */
  examine(piece: Uint8Array): ContinuousAlarm | undefined {
    const { intermittent, permanent } = this.#cutoffs;
    const first = this.#scan(piece, 0, intermittent);
    if (first === undefined) return undefined;
    const worse = this.#scan(piece, first.at, permanent);
    return worse === undefined
      ? { ...first, tier: "intermittent" }
      : { ...worse, tier: "permanent" };
  }

  /** Begins anew. */
  restart(): void {
    this.#examined = 0;
    this.#clear = 0;
    this.#last = none;
    this.#run = 0;
    this.#windowLeft = windowSamples;
  }

  /** Up to the first byte that reaches a cutoff. */
  #scan(
    piece: Uint8Array,
    from: number,
    cutoffs: Cutoffs,
  ): Omit<ContinuousAlarm, "tier"> | undefined {
    const { repetitionCount, adaptiveProportion } = cutoffs;
    let last = this.#last;
    let run = this.#run;
    let sample = this.#sample;
    let count = this.#count;
    let test: ContinuousTest | undefined;
    let at = from;
    while (at < piece.length && test === undefined) {
      if (this.#windowLeft === windowSamples) {
        sample = piece[at]!;
        count = 0;
      }
      const begin = at;
      const end = Math.min(piece.length, at + this.#windowLeft);
      while (at < end && test === undefined) {
        const byte = piece[at]!;
        at += 1;
        if (byte === sample) {
          count += 1;
          if (count >= adaptiveProportion) test = "adaptive proportion";
        }
        if (byte === last) {
          run += 1;
          if (run >= repetitionCount) test = "repetition count";
        } else {
          run = 1;
          last = byte;
        }
      }
      this.#examined += at - begin;
      this.#windowLeft -= at - begin;
      if (this.#windowLeft === 0) {
        this.#windowLeft = windowSamples;
        this.#clear = this.#examined;
      }
    }
    this.#last = last;
    this.#run = run;
    this.#sample = sample;
    this.#count = count;
    return test === undefined ? undefined : { test, at };
  }
}
