/** Of several rounds: the middle, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

/**
 * Two things by turns, so that what disturbs the machine disturbs both; the first round is to warm
 * up and is not counted.
 */
export async function byTurns(
  rounds: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<{ first: Spread; second: Spread; ratio: Spread }> {
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round <= rounds; round++) pairs.push([await first(), await second()]);
  const counted = pairs.slice(1);
  return {
    first: spreadOf(counted.map(([one]) => one)),
    second: spreadOf(counted.map(([, two]) => two)),
    ratio: spreadOf(counted.map(([one, two]) => one / two)),
  };
}
