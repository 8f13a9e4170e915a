import { cutoffsOf, windowSamples } from "./cutoffs.ts";
import { FipsBlocks } from "./fipsBlocks.ts";
import { failedBlocksPValue, FipsSummary } from "./fipsSummary.ts";
import { significance } from "./pValues.ts";

/** One test on the bytes; FIPS 140-2 only where there is a whole block. */
export interface EstimateRow {
  readonly test: "repetition count" | "adaptive proportion" | "FIPS 140-2";
  /** The longest run, the highest count of a window, or the blocks that failed. */
  readonly found: number;
  /** The test fails from here on. */
  readonly failsFrom: number;
  readonly passed: boolean;
}

export interface HealthEstimate {
  readonly bytes: number;
  /** At 99 % confidence, in 1/1000 bit; it says little about fewer than a million bytes. */
  readonly minEntropyMillibitsPerByte: number;
  readonly rows: readonly EstimateRow[];
}

/**
 * What some bytes of a source say about it, for people. They are left as they are.
 * @param bytes two or more
 */
export function estimateHealth(
  bytes: Uint8Array,
  options: { readonly minEntropyMillibitsPerByte: number; readonly alphaExponent: number },
): HealthEstimate {
  const cutoffs = cutoffsOf(options.minEntropyMillibitsPerByte, options.alphaExponent);
  const { blocks, failedBlocks } = failedFipsBlocks(bytes);
  const row = (test: EstimateRow["test"], found: number, failsFrom: number): EstimateRow => ({
    test,
    found,
    failsFrom,
    passed: found < failsFrom,
  });
  const rows = [
    row("repetition count", longestRun(bytes), cutoffs.repetitionCount),
    row("adaptive proportion", highestWindowCount(bytes), cutoffs.adaptiveProportion),
  ];
  if (blocks > 0) rows.push(row("FIPS 140-2", failedBlocks, fipsFailsFrom(blocks)));
  return {
    bytes: bytes.length,
    minEntropyMillibitsPerByte: Math.floor(1_000 * mostCommonValueEstimate(bytes)),
    rows,
  };
}

/**
 * SP 800-90B, section 6.3.1: the min-entropy of a byte in bits, by the most common value and the
 * upper end of its 99 % confidence interval.
 */
export function mostCommonValueEstimate(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]! += 1;
  const share = Math.max(...counts) / bytes.length;
  const upper = share + 2.576 * Math.sqrt((share * (1 - share)) / (bytes.length - 1));
  return -Math.log2(Math.min(1, upper)) + 0; // never −0
}

function longestRun(bytes: Uint8Array): number {
  let run = 0;
  let longest = 0;
  for (let at = 0; at < bytes.length; at++) {
    run = bytes[at] === bytes[at - 1] ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

function highestWindowCount(bytes: Uint8Array): number {
  let highest = 0;
  for (let at = 0; at < bytes.length; at += windowSamples) {
    const window = bytes.subarray(at, at + windowSamples);
    highest = Math.max(
      highest,
      window.reduce((count, byte) => count + Number(byte === window[0]), 0),
    );
  }
  return highest;
}

function failedFipsBlocks(bytes: Uint8Array): { blocks: number; failedBlocks: number } {
  const summary = new FipsSummary();
  const blocks = new FipsBlocks((figures) => summary.add(figures));
  blocks.update(bytes);
  blocks.close();
  return summary.result();
}

/** As the quality figures judge: failures that a good source would hardly have. */
function fipsFailsFrom(blocks: number): number {
  let failures = 1;
  while (failedBlocksPValue(failures, blocks) >= significance) failures += 1;
  return failures;
}
