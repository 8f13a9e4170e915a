/** In milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Of all samples, each by the nearest rank. */
export function quantilesOf(samples: readonly number[]): Quantiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** A Prometheus histogram: how many were at most so long, in seconds, by rising bounds. */
export type Histogram = readonly (readonly [bound: number, count: number])[];

/** What came between two states of a histogram; linear within a bucket, as PromQL's. */
export function quantilesBetween(before: Histogram, after: Histogram): Quantiles {
  const counts = after.map(([bound, count], n) => [bound, count - (before[n]?.[1] ?? 0)] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  const at = (share: number): number => {
    const rank = share * total;
    const n = counts.findIndex(([, count]) => count >= rank);
    const [bound, count] = counts[n] ?? [NaN, NaN];
    const [from, below] = counts[n - 1] ?? [0, 0];
    if (bound === Infinity) return from * 1_000;
    return (from + ((bound - from) * (rank - below)) / (count - below)) * 1_000;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
