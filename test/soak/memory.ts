import { type Metrics, valueOf } from "../endToEnd/helpers/program.ts";

/** A program's memory at one moment, in bytes. */
export interface MemorySample {
  /** Since the load began. */
  readonly seconds: number;
  readonly resident: number;
  /** JavaScript objects and buffers, less the random bytes that it is meant to hold. */
  readonly used: number;
}

export interface MemoryVerdict {
  /** Median of the first third after the warm-up, and of the last. */
  readonly resident: readonly [first: number, last: number];
  /** The least of each: what is left behind a collection. */
  readonly used: readonly [first: number, last: number];
  /** Of resident memory after the warm-up, by least squares; bytes a minute. */
  readonly slope: number;
  readonly isFlat: boolean;
}

/** Code is compiled, buffers fill and heaps find their size: a minute, or a third of a short run. */
const warmUpSeconds = 60;
const mebibyte = 2 ** 20;

export function sampleMemory(metrics: Metrics, seconds: number, held: string): MemorySample {
  const [resident, heap, external, random] = [
    "process_resident_memory_bytes",
    "nodejs_heap_size_used_bytes",
    "nodejs_external_memory_bytes",
    held,
  ].map((name) => valueOf(metrics, name)) as [number, number, number, number];
  return { seconds, resident, used: heap + external - random };
}

/**
 * Flat: in the last third neither figure is a tenth, or 8 MiB where that is more, above the first
 * third. The collector's own swings stay below that; a leak does not: one small object of 50 bytes
 * for each of a million requests is 48 MiB. What leaks less than that in the time goes unseen.
 * @param samples at least nine, in the order in which they were taken
 */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  const end = samples.at(-1)?.seconds ?? 0;
  const warm = samples.filter(({ seconds }) => seconds >= Math.min(warmUpSeconds, end / 3));
  const third = Math.floor(warm.length / 3);
  if (third < 2) throw new RangeError("too few samples to judge memory by");
  const [first, last] = [warm.slice(0, third), warm.slice(-third)];
  const resident = [median(first), median(last)] as const;
  const used = [least(first), least(last)] as const;
  const isFlat = [resident, used].every(
    ([before, after]) => after - before <= Math.max(before / 10, 8 * mebibyte),
  );
  return { resident, used, slope: slopeOf(warm) * 60, isFlat };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}

function median(samples: readonly MemorySample[]): number {
  const sorted = samples.map(({ resident }) => resident).sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function least(samples: readonly MemorySample[]): number {
  return Math.min(...samples.map(({ used }) => used));
}

/** Bytes a second. */
function slopeOf(samples: readonly MemorySample[]): number {
  const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const time = mean(samples.map(({ seconds }) => seconds));
  const level = mean(samples.map(({ resident }) => resident));
  let covariance = 0;
  let variance = 0;
  for (const { seconds, resident } of samples) {
    covariance += (seconds - time) * (resident - level);
    variance += (seconds - time) ** 2;
  }
  return covariance / variance;
}
