import fc from "fast-check";
import type { ContinuousTest } from "../../../../common/health/alarms.ts";
import type { Cutoffs } from "../../../../common/health/cutoffs.ts";
import { seededBytes } from "../../../helpers/seededBytes.ts";

/** The continuous tests as anybody would first write them: each byte looks back. */
export function firstAlarm(
  stream: Uint8Array,
  { repetitionCount, adaptiveProportion }: Cutoffs,
): { test: ContinuousTest; at: number } | undefined {
  for (let at = 0; at < stream.length; at++) {
    const window = stream.subarray(at - (at % 512), at + 1);
    if (stream[at] === window[0]) {
      const count = window.filter((byte) => byte === window[0]).length;
      if (count >= adaptiveProportion && runBefore(stream, at + 1) < repetitionCount) {
        return { test: "adaptive proportion", at: at + 1 };
      }
    }
    if (runBefore(stream, at + 1) >= repetitionCount) {
      return { test: "repetition count", at: at + 1 };
    }
  }
  return undefined;
}

/** The bytes of windows that have passed. */
export function clearBytes(stream: Uint8Array): number {
  return stream.length - (stream.length % 512);
}

/** How many bytes before `end` are equal to the last of them. */
function runBefore(stream: Uint8Array, end: number): number {
  let run = 0;
  while (run < end && stream[end - 1 - run] === stream[end - 1]) run += 1;
  return run;
}

const place = fc.nat(3_000);

/** Good bytes; most have a run or a window with too many of its first byte somewhere. */
export const anyStream = fc
  .record({
    seed: fc.nat(),
    length: fc.nat(4_000),
    run: fc.option(fc.record({ at: place, length: fc.integer({ min: 1, max: 12 }) })),
    bias: fc.option(fc.record({ at: place, every: fc.integer({ min: 2, max: 40 }) })),
  })
  .map(({ seed, length, run, bias }) => {
    const stream = seededBytes(seed)(length);
    if (run) stream.subarray(run.at, run.at + run.length).fill(5);
    if (bias) {
      const end = Math.min(length, bias.at + 512);
      for (let at = bias.at - (bias.at % 512); at < end; at += bias.every) stream[at] = 6;
    }
    return stream;
  });
