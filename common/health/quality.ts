import { BitCounts, type BitFigures } from "./bitCounts.ts";
import { fipsBlockBytes } from "./fips.ts";
import { FipsBlocks } from "./fipsBlocks.ts";
import { type FipsQuality, FipsSummary } from "./fipsSummary.ts";
import {
  type ChiSquare,
  chiSquare,
  frequencyPValue,
  longestRunPValue,
  runsPValue,
  type SerialCorrelation,
  serialCorrelation,
} from "./pValues.ts";
import { inSlices } from "./slices.ts";

/** One whole FIPS block; it also leaves χ² the five expected bytes per value that it needs. */
export const minQualityBytes = fipsBlockBytes;

export interface Quality {
  readonly bytes: number;
  readonly fips: FipsQuality;
  /** Of the 256 byte values, against equal shares. */
  readonly chiSquare: ChiSquare;
  /** Between each byte and the next, the last one followed by the first. */
  readonly serialCorrelation: SerialCorrelation;
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
  try {
    tests.update(bytes);
    return tests.result();
  } finally {
    tests.close();
  }
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

function longestRun({ bits, longestRun: { zeros, ones } }: BitFigures): Quality["longestRun"] {
  const length = Math.max(zeros, ones);
  return { bits: length, value: ones > zeros ? 1 : 0, pValue: longestRunPValue(length, bits) };
}
