import { BitCounts, type BitFigures, type ByValue } from "./bitCounts.ts";
import { failedFipsTests, fipsBlockBytes, fipsFailureRate, type FipsFigures } from "./fips.ts";
import { type FipsTest, fipsTests } from "./fips.ts";
import { FipsBlocks } from "./fipsBlocks.ts";
import { inSlices } from "./slices.ts";
import { erfc, igam, igamc } from "./specialFunctions.ts";

/** One whole FIPS block; it also leaves χ² the five expected bytes per value that it needs. */
export const minQualityBytes = fipsBlockBytes;

/** A p-value below it says "not random"; the careful end of SP 800-22, section 1.1.5. */
export const significance = 0.001;

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

export interface Quality {
  readonly bytes: number;
  readonly fips: FipsQuality;
  /** Of the 256 byte values, against equal shares. Near 1 is as odd as near 0: too even. */
  readonly chiSquare: {
    readonly statistic: number;
    readonly degrees: number;
    readonly pValue: number;
  };
  /** Between each byte and the next, the last one followed by the first. */
  readonly serialCorrelation: {
    readonly coefficient: number;
    readonly zScore: number;
    readonly pValue: number;
  };
  readonly frequency: { readonly ones: number; readonly bits: number; readonly pValue: number };
  readonly runs: { readonly runs: number; readonly pValue: number };
  readonly longestRun: {
    readonly bits: number;
    readonly value: 0 | 1;
    readonly pValue: number;
  };
}

/**
 * The figures of the quality answer, of a sequence that comes in pieces. They tell a broken source,
 * not a good one: a hash of a counter passes them all, so they are taken before conditioning. The
 * bytes are left as they are.
 */
export class QualityTests {
  readonly #counts = new BitCounts();
  readonly #fips = new FipsSummary();
  readonly #blocks = new FipsBlocks((figures) => this.#fips.add(figures));
  #bytes = 0;
  /** Bytes count as v = 2u − 255, −255 … 255: around zero, so that no digits are lost. */
  #first = 0;
  #last = 0;
  /** Σ vⱼ vⱼ₊₁ without the last pair. */
  #products = 0;

  update(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#counts.add(bytes);
    this.#blocks.update(bytes);
    let last = this.#last;
    let products = this.#products;
    if (this.#bytes === 0) this.#first = 2 * bytes[0]! - 255; // `last` is 0 then: no pair yet
    for (let index = 0; index < bytes.length; index++) {
      const value = 2 * bytes[index]! - 255;
      products += last * value;
      last = value;
    }
    this.#last = last;
    this.#products = products;
    this.#bytes += bytes.length;
  }

  /** @throws RangeError for fewer bytes than `minQualityBytes` */
  result(): Quality {
    if (this.#bytes < minQualityBytes) throw new RangeError("too few bytes to judge");
    const counts = this.#counts.bytes;
    const figures = this.#counts.figures();
    const { bits, ones } = figures;
    const runs = [...figures.runs.zeros, ...figures.runs.ones].reduce((sum, count) => sum + count);
    const products = this.#products + this.#last * this.#first;
    return {
      bytes: this.#bytes,
      fips: this.#fips.result(),
      chiSquare: chiSquare(counts),
      serialCorrelation: serialCorrelation(counts, products),
      frequency: { ones, bits, pValue: frequencyPValue(ones, bits) },
      runs: { runs, pValue: runsPValue(runs, ones, bits) },
      longestRun: longestRun(figures),
    };
  }

  /** Zeroes what it has kept of the bytes. */
  close(): void {
    this.#blocks.close();
    this.#first = 0;
    this.#last = 0;
  }
}

/** @throws RangeError for fewer bytes than `minQualityBytes` */
export function describeQuality(bytes: Uint8Array): Quality {
  const tests = new QualityTests();
  tests.update(bytes);
  const result = tests.result();
  tests.close();
  return result;
}

/**
 * The same without holding up the event loop.
 * @throws the signal's reason once it is aborted; RangeError as `describeQuality`
 */
export async function measureQuality(
  pieces: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Quality> {
  const tests = new QualityTests();
  try {
    await inSlices(pieces, (slice) => tests.update(slice), signal);
    return tests.result();
  } finally {
    tests.close();
  }
}

/** SP 800-22 rev. 1a, section 2.1: the frequency (monobit) test. */
export function frequencyPValue(ones: number, bits: number): number {
  return erfc(Math.abs(2 * ones - bits) / Math.sqrt(bits) / Math.SQRT2);
}

/** SP 800-22 rev. 1a, section 2.3: the runs test; 0 where the frequency test makes it pointless. */
export function runsPValue(runs: number, ones: number, bits: number): number {
  if (Math.abs(2 * ones - bits) >= 4 * Math.sqrt(bits)) return 0; // |π − ½| ≥ 2 / √n
  const share = ones / bits;
  const spread = share * (1 - share);
  return erfc(Math.abs(runs - 2 * bits * spread) / (2 * Math.sqrt(2 * bits) * spread));
}

/**
 * The chance of a run as long as that in so many random bits: about Poisson many such runs begin in
 * them, (bits − length + 2) 2^−length on average (Schilling, "The Longest Run of Heads", 1990).
 */
export function longestRunPValue(length: number, bits: number): number {
  return -Math.expm1(-(bits - length + 2) * 2 ** -length);
}

/** Pearson's χ² against equal shares; the p-value is igamc(degrees / 2, χ² / 2), as in SP 800-22. */
export function chiSquare(counts: ArrayLike<number>): Quality["chiSquare"] {
  const observed = Array.from(counts);
  const expected = observed.reduce((sum, count) => sum + count) / observed.length;
  const statistic = observed.reduce((sum, count) => sum + (count - expected) ** 2, 0) / expected;
  const degrees = observed.length - 1;
  return { statistic, degrees, pValue: igamc(degrees / 2, statistic / 2) };
}

/**
 * Knuth, The Art of Computer Programming, volume 2, 3rd edition, section 3.3.2 K: the coefficient C
 * has mean −1 / (n − 1) and variance n² / ((n − 1)² (n − 2)) for a good source. Where all bytes are
 * equal C is not defined; it is 1 here, since each byte tells the next.
 * @param counts how often each byte u came, as v = 2u − 255
 * @param products Σ vⱼ vⱼ₊₁, the last byte followed by the first
 */
function serialCorrelation(
  counts: ArrayLike<number>,
  products: number,
): Quality["serialCorrelation"] {
  let n = 0;
  let sum = 0;
  let squares = 0;
  let distinct = 0;
  for (let byte = 0; byte < counts.length; byte++) {
    const count = counts[byte]!;
    const value = 2 * byte - 255;
    n += count;
    sum += count * value;
    squares += count * value * value;
    if (count > 0) distinct += 1;
  }
  const level = (sum / n) * sum;
  const coefficient = distinct === 1 ? 1 : (products - level) / (squares - level);
  const deviation = n / ((n - 1) * Math.sqrt(n - 2));
  const zScore = (coefficient + 1 / (n - 1)) / deviation;
  return { coefficient, zScore, pValue: erfc(Math.abs(zScore) / Math.SQRT2) };
}

function longestRun({ bits, longestRun: { zeros, ones } }: BitFigures): Quality["longestRun"] {
  const length = Math.max(zeros, ones);
  return { bits: length, value: ones > zeros ? 1 : 0, pValue: longestRunPValue(length, bits) };
}

/** The figures of many blocks as ranges, and how many blocks failed what. */
class FipsSummary {
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
