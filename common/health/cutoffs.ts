import type { AlarmTier } from "./alarms.ts";
import { logGamma } from "./specialFunctions.ts";

/** Samples of a window of the adaptive proportion test for bytes: SP 800-90B, section 4.4.2. */
export const windowSamples = 512;
/** The same for binary samples. */
export const binaryWindowSamples = 1_024;

/** How often a sample must come to be an alarm. */
export interface Cutoffs {
  /** In a row. */
  readonly repetitionCount: number;
  /** In a window that it begins. */
  readonly adaptiveProportion: number;
}

/**
 * The cutoffs for bytes.
 * @param minEntropyMillibits H, the min-entropy of a byte in 1/1000 bit, 1 … 8000
 * @param exponent e: a source with that min-entropy alarms with a probability of about α = 2^−e
 */
export function cutoffsOf(minEntropyMillibits: number, exponent: number): Cutoffs {
  return {
    repetitionCount: repetitionCountCutoff(minEntropyMillibits, exponent),
    adaptiveProportion: adaptiveProportionCutoff(minEntropyMillibits, exponent),
  };
}

export type TierCutoffs = Readonly<Record<AlarmTier, Cutoffs>>;

/** Of the permanent tier, for every source: it is beyond bad luck. */
const permanentExponent = 80;

/** @param exponent of the intermittent tier, 20 … 60 */
export function tierCutoffs(minEntropyMillibits: number, exponent: number): TierCutoffs {
  return {
    intermittent: cutoffsOf(minEntropyMillibits, exponent),
    permanent: cutoffsOf(minEntropyMillibits, permanentExponent),
  };
}

/** SP 800-90B, section 4.4.1: C = 1 + ⌈−log₂ α / H⌉, exact on integers. */
export function repetitionCountCutoff(minEntropyMillibits: number, exponent: number): number {
  return 1 + Math.ceil((1_000 * exponent) / minEntropyMillibits);
}

/**
 * SP 800-90B, section 4.4.2: C = 1 + CRITBINOM(W, 2^−H, 1 − α), which is the least C with
 * P[Bin(W, 2^−H) ≥ C] ≤ α. The tail is summed from its thin end: 1 − α is 1 in a double.
 */
export function adaptiveProportionCutoff(
  minEntropyMillibits: number,
  exponent: number,
  samples: number = windowSamples,
): number {
  const chance = 2 ** (-minEntropyMillibits / 1_000);
  const alpha = 2 ** -exponent;
  let cutoff = samples + 1;
  for (let tail = 0; cutoff > 0; cutoff--) {
    tail += binomialProbability(samples, chance, cutoff - 1);
    if (tail > alpha) break;
  }
  return cutoff;
}

/** P[Bin(trials, chance) = hits], 0 < chance < 1, by logarithms: its factors leave a double's range. */
function binomialProbability(trials: number, chance: number, hits: number): number {
  const logWays = logGamma(trials + 1) - logGamma(hits + 1) - logGamma(trials - hits + 1);
  return Math.exp(logWays + hits * Math.log(chance) + (trials - hits) * Math.log1p(-chance));
}
