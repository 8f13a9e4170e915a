import { inSlices } from "./slices.ts";

/** Two coordinates of 24 bits, the highest byte first. */
export const bytesPerPoint = 6;

const radius = 2 ** 25;

export const assessments = ["excellent", "good", "acceptable", "poor"] as const;
export type Assessment = (typeof assessments)[number];

/** As REST and MCP answer it. */
export interface MonteCarloResult {
  readonly estimated_pi: number;
  /** How far the estimate is from π, never negative. */
  readonly error: number;
  readonly error_percent: number;
  /** Of the estimate, for a good source: 4 √(p (1 − p) / n) with p = π / 4. */
  readonly standard_error: number;
  /** (estimated_pi − π) / standard_error */
  readonly z_score: number;
  /** Points drawn. */
  readonly iterations: number;
  readonly quality_assessment: Assessment;
}

/**
 * π by Monte Carlo: four times the share of points that fall into the quarter circle. A point is
 * the centre of its cell of a 2²⁴ × 2²⁴ grid, ((x + ½) / 2²⁴, (y + ½) / 2²⁴), which leaves no bias to
 * speak of: over all cells the estimate is 2·10⁻¹¹ above π (counted), with the cells' corners it
 * would be 2·10⁻⁷. All integers: no rounding, and no point lies on the circle.
 */
export class MonteCarlo {
  #inside = 0;
  #points = 0;
  /** Bytes of a point that is not whole yet. */
  readonly #partial = new Uint8Array(bytesPerPoint);
  #partialBytes = 0;

  /** Uses the bytes up: they are zeroed. */
  update(bytes: Uint8Array): void {
    let at = this.#partialBytes > 0 ? this.#keep(bytes) : 0;
    if (this.#partialBytes === bytesPerPoint) {
      this.#count(this.#partial, 0);
      this.close();
    }
    for (; at + bytesPerPoint <= bytes.length; at += bytesPerPoint) this.#count(bytes, at);
    this.#keep(bytes.subarray(at));
    bytes.fill(0);
  }

  /** @throws RangeError when there is no point yet */
  result(): MonteCarloResult {
    if (this.#points === 0) throw new RangeError("no point yet");
    const estimate = (4 * this.#inside) / this.#points;
    const error = Math.abs(estimate - Math.PI);
    const share = Math.PI / 4;
    const standardError = 4 * Math.sqrt((share * (1 - share)) / this.#points);
    const z = (estimate - Math.PI) / standardError;
    return {
      estimated_pi: estimate,
      error,
      error_percent: (error / Math.PI) * 100,
      standard_error: standardError,
      z_score: z,
      iterations: this.#points,
      quality_assessment: assess(z),
    };
  }

  /** Zeroes the bytes of a point that is not whole; the count stays. */
  close(): void {
    this.#partial.fill(0);
    this.#partialBytes = 0;
  }

  /** Keeps as many of the bytes as still fit into the point; returns how many. */
  #keep(bytes: Uint8Array): number {
    const kept = bytes.subarray(0, bytesPerPoint - this.#partialBytes);
    this.#partial.set(kept, this.#partialBytes);
    this.#partialBytes += kept.length;
    return kept.length;
  }

  #count(bytes: Uint8Array, at: number): void {
    const x = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const y = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
    if ((2 * x + 1) ** 2 + (2 * y + 1) ** 2 < radius ** 2) this.#inside += 1;
    this.#points += 1;
  }
}

/**
 * Uses up all pieces without holding up the event loop; they are zeroed also when it is aborted.
 * @throws the signal's reason once it is aborted; RangeError when the pieces make no point
 */
export async function runMonteCarlo(
  pieces: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<MonteCarloResult> {
  const monteCarlo = new MonteCarlo();
  try {
    await inSlices(pieces, (slice) => monteCarlo.update(slice), signal);
    return monteCarlo.result();
  } finally {
    monteCarlo.close();
    for (const piece of pieces) piece.fill(0);
  }
}

/**
 * How far the estimate is off, in standard errors. Of a good source's results 68.3 % are excellent
 * (within one), 27.2 % good (within two), 4.3 % acceptable (within three) and 0.27 % poor.
 */
export function assess(zScore: number): Assessment {
  const distance = Math.abs(zScore);
  if (distance <= 1) return "excellent";
  if (distance <= 2) return "good";
  return distance <= 3 ? "acceptable" : "poor";
}
