import { erfc, igamc } from "./specialFunctions.ts";

/** A p-value below it says "not random"; the careful end of SP 800-22, section 1.1.5. */
export const significance = 0.001;

export interface ChiSquare {
  readonly statistic: number;
  readonly degrees: number;
  /** Near 1 is as odd as near 0: too even. */
  readonly pValue: number;
}

export interface SerialCorrelation {
  readonly coefficient: number;
  readonly zScore: number;
  readonly pValue: number;
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
export function chiSquare(counts: ArrayLike<number>): ChiSquare {
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
export function serialCorrelation(counts: ArrayLike<number>, products: number): SerialCorrelation {
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
