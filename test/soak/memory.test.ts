import { expect, test } from "vitest";
import { judgeMemory, type MemorySample } from "./memory.ts";

const mebibyte = 2 ** 20;

interface Shape {
  readonly minutes: number;
  /** Bytes a second. */
  readonly residentLeak?: number;
  readonly usedLeak?: number;
}

/** A sample a second: a steep warm-up, then a saw-tooth of collections, and what leaks. */
function samplesOf({ minutes, residentLeak = 0, usedLeak = 0 }: Shape): MemorySample[] {
  return Array.from({ length: minutes * 60 }, (_, seconds) => {
    const warm = Math.min(1, seconds / 30);
    const garbage = (seconds % 7) * 5 * mebibyte;
    return {
      seconds,
      resident: (60 + 90 * warm) * mebibyte + garbage / 4 + residentLeak * seconds,
      used: (10 + 20 * warm) * mebibyte + garbage + usedLeak * seconds,
    };
  });
}

test.each<[boolean, Shape]>([
  [true, { minutes: 2 }],
  [true, { minutes: 10 }],
  // 8 and 80 bytes for each of 10,000 requests a second
  [false, { minutes: 10, residentLeak: 80_000 }],
  [false, { minutes: 10, usedLeak: 80_000 }],
  [false, { minutes: 3, residentLeak: 800_000 }],
  [false, { minutes: 3, usedLeak: 800_000 }],
  [true, { minutes: 10, residentLeak: 1_000, usedLeak: 1_000 }],
])("flat is %s for %o", (isFlat, shape) => {
  expect(judgeMemory(samplesOf(shape)).isFlat).toBe(isFlat);
});

test("the slope is the leak's, a minute", () => {
  const { slope } = judgeMemory(samplesOf({ minutes: 10, residentLeak: 80_000 }));
  expect(slope / 60).toBeGreaterThan(79_000);
  expect(slope / 60).toBeLessThan(81_000);
});

test("a few samples are no ground for a verdict", () => {
  expect(() => judgeMemory(samplesOf({ minutes: 10 }).slice(0, 5))).toThrow(RangeError);
});
