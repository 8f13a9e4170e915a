import { type Piece, PieceQueue } from "../pieces.ts";
import type { HealthAlarm } from "./alarms.ts";
import { ContinuousTests } from "./continuousTests.ts";
import { tierCutoffs, windowSamples } from "./cutoffs.ts";
import { fipsAlarmLevelFor, FipsMonitor } from "./fipsMonitor.ts";
import type { SharedBlockCheck } from "./independence.ts";
import { RepeatCheck } from "./repeats.ts";

/** Bytes that pass before the first is released; SP 800-90B, section 4.3, asks for 1,024. */
export const startUpBytes = 2 * windowSamples;

export interface SourceTestsOptions {
  /** H, the min-entropy of a byte in 1/1000 bit, 1000 … 8000. */
  readonly minEntropyMillibitsPerByte: number;
  /** e: a good source alarms with a probability of about 2^−e, 20 … 60. */
  readonly alphaExponent: number;
  /** `Independence.checkFor` this source; none when it is the only one. */
  readonly sharedBlock?: SharedBlockCheck | undefined;
}

export type Verdict =
  /** What may go on now, the oldest first; often nothing. */
  | { readonly pieces: readonly Piece[] }
  | {
      readonly alarm: HealthAlarm;
      /** Bytes that had gone on since the start-up test. */
      readonly releasedBytes: number;
    };

/**
 * Every byte of one source, `held` until the window that it is in has passed, then
 * released; at the start until 1,024 bytes have. An alarm zeroes all that is held and the whole
 * chunk, and the source begins anew with the start-up test.
 *
 * The first alarm of a chunk counts, in this order: the continuous tests, which alone may be sure;
 * repeats; independence; the FIPS failure rate, which looks back on bytes that have long gone.
 */
export class SourceTests {
  /** Its counts since the start are for metrics. */
  readonly fips: FipsMonitor;
  readonly #continuous: ContinuousTests;
  readonly #repeats = new RepeatCheck();
  readonly #sharedBlock: SharedBlockCheck | undefined;
  readonly #held = new PieceQueue();
  #releasedBytes = 0;

  constructor(options: SourceTestsOptions) {
    const { minEntropyMillibitsPerByte, alphaExponent, sharedBlock } = options;
    this.fips = new FipsMonitor(fipsAlarmLevelFor(alphaExponent));
    this.#continuous = new ContinuousTests(tierCutoffs(minEntropyMillibitsPerByte, alphaExponent));
    this.#sharedBlock = sharedBlock;
  }

  heldBytes(): number {
    return this.#held.bytes;
  }

  /**
   * Owns the chunk from now on. Whole windows go on as parts of it, without a copy.
   * @param fetchedAt monotonic milliseconds at which its oldest byte was fetched
   */
  update(chunk: Buffer, fetchedAt: number): Verdict {
    this.#held.push({ data: chunk, fetchedAt });
    const alarm = this.#examine(chunk);
    if (alarm === undefined) return { pieces: this.#release() };
    const releasedBytes = this.#releasedBytes;
    this.restart();
    return { alarm, releasedBytes };
  }

  /**
   * Begins anew with the start-up test, as after an alarm; what is held is zeroed. Chunks that were
   * seen stay known: a cache that answers with them is found after any pause.
   */
  restart(): void {
    this.close();
    this.#continuous.restart();
    this.#releasedBytes = 0;
  }

  /** Zeroes what is held, for good. */
  close(): void {
    this.#held.clear();
    this.fips.restart();
  }

  #examine(chunk: Buffer): HealthAlarm | undefined {
    const continuous = this.#continuous.examine(chunk);
    if (continuous !== undefined) return { test: continuous.test, tier: continuous.tier };
    if (this.#repeats.isRepeat(chunk)) return { test: "repeated", tier: "intermittent" };
    const otherSource = this.#sharedBlock?.(chunk);
    if (otherSource !== undefined) {
      return { test: "not independent", tier: "intermittent", otherSource };
    }
    const test = this.fips.update(chunk);
    return test === undefined ? undefined : { test, tier: "intermittent" };
  }

  #release(): Piece[] {
    if (this.#continuous.examinedBytes < startUpBytes) return [];
    const clear = this.#continuous.clearBytes;
    const pieces = this.#held.take(clear - this.#releasedBytes);
    this.#releasedBytes = clear;
    this.#held.detachLast();
    return pieces;
  }
}
