import { type ContinuousTest } from "../../common/health/alarms.ts";
import { ContinuousTests } from "../../common/health/continuousTests.ts";
import { type Cutoffs, windowSamples } from "../../common/health/cutoffs.ts";
import { igam, logGamma } from "../../common/health/specialFunctions.ts";

export type AlarmCounts = Record<ContinuousTest, number>;

const never: Cutoffs = {
  repetitionCount: Number.POSITIVE_INFINITY,
  adaptiveProportion: Number.POSITIVE_INFINITY,
};

/** The alarms of so many bytes; after each the tests begin anew with the next byte. */
export function countAlarms(
  nextBytes: (count: number) => Uint8Array,
  bytes: number,
  cutoffs: Cutoffs,
): AlarmCounts {
  const tests = new ContinuousTests({ intermittent: cutoffs, permanent: never });
  const counts: AlarmCounts = { "repetition count": 0, "adaptive proportion": 0 };
  for (let left = bytes; left > 0;) {
    let piece = nextBytes(Math.min(left, 65_536));
    left -= piece.length;
    while (piece.length > 0) {
      const alarm = tests.examine(piece);
      if (alarm === undefined) break;
      counts[alarm.test] += 1;
      tests.restart();
      piece = piece.subarray(alarm.at);
    }
  }
  return counts;
}

/** How many alarms uniform bytes give on average: the true rates, not the α of the cutoffs. */
export function expectedAlarms(bytes: number, cutoffs: Cutoffs): AlarmCounts {
  const perByte = (1 - 2 ** -8) * 2 ** (-8 * (cutoffs.repetitionCount - 1));
  const perWindow = binomialTail(windowSamples - 1, 2 ** -8, cutoffs.adaptiveProportion - 1);
  return {
    "repetition count": bytes * perByte,
    "adaptive proportion": (bytes / windowSamples) * perWindow,
  };
}

/** P[Bin(trials, chance) ≥ from], summed from its thin end. */
export function binomialTail(trials: number, chance: number, from: number): number {
  let tail = 0;
  for (let hits = trials; hits >= from; hits--) {
    tail += Math.exp(
      logGamma(trials + 1) -
        logGamma(hits + 1) -
        logGamma(trials - hits + 1) +
        hits * Math.log(chance) +
        (trials - hits) * Math.log1p(-chance),
    );
  }
  return tail;
}

/** The chance that a Poisson count with this mean is at least as far out, on its side, as `count`. */
export function poissonPValue(count: number, mean: number): number {
  const orMore = count === 0 ? 1 : igam(count, mean); // P[X ≥ k] = P(k, mean): DLMF 8.4.9
  const orLess = 1 - igam(count + 1, mean);
  return Math.min(1, 2 * Math.min(orMore, orLess));
}
