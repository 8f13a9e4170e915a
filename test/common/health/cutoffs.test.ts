import { expect, test } from "vitest";
import {
  adaptiveProportionCutoff,
  binaryWindowSamples,
  cutoffsOf,
  repetitionCountCutoff,
  tierCutoffs,
} from "../../../common/health/cutoffs.ts";

const exponents = [20, 30, 40, 60, 80];

/** By H in 1/1000 bit, "repetition count/adaptive proportion" for each exponent. */
test.each([
  [8_000, "4/13 5/16 6/19 9/25 11/30"],
  [7_900, "4/13 5/17 7/20 9/26 12/31"],
  [7_500, "4/15 5/19 7/22 9/28 12/34"],
  [7_000, "4/18 6/22 7/26 10/32 13/39"],
  [6_000, "5/25 6/31 8/35 11/44 15/51"],
  [4_000, "6/62 9/71 11/78 16/91 21/102"],
])("bytes with %d millibits", (millibits, expected) => {
  const found = exponents.map((exponent) =>
    Object.values(cutoffsOf(millibits, exponent)).join("/"),
  );
  expect(found.join(" ")).toBe(expected);
});

test.each([
  [500, 410],
  [1_000, 311],
  [2_000, 177],
  [4_000, 62],
  [8_000, 13],
])("the published adaptive proportion of bytes with %d millibits", (millibits, expected) => {
  expect(adaptiveProportionCutoff(millibits, 20)).toBe(expected);
});

test.each([
  [200, 941],
  [400, 840],
  [600, 748],
  [800, 664],
  [1_000, 589],
])("the published adaptive proportion of bits with %d millibits", (millibits, expected) => {
  expect(adaptiveProportionCutoff(millibits, 20, binaryWindowSamples)).toBe(expected);
});

/** P[Bin(trials, 1 / 2^log) ≥ from] ≤ 2^−exponent, on whole numbers alone. */
function tailIsAtMost(trials: number, log: number, from: number, exponent: number): boolean {
  const n = BigInt(trials);
  let ways = 1n; // of choosing k of n
  let tail = 0n; // times 2^(log · n)
  const others = (1n << BigInt(log)) - 1n;
  for (let k = 0n; k <= n; k++) {
    if (k >= BigInt(from)) tail += ways * others ** (n - k);
    ways = (ways * (n - k)) / (k + 1n);
  }
  return tail << BigInt(exponent) <= 1n << (BigInt(log) * n);
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("is the least that exact numbers allow: %d bits", (bits) => {
  for (const exponent of [...exponents, 25, 35, 50, 55]) {
    const cutoff = adaptiveProportionCutoff(bits * 1_000, exponent);
    expect(tailIsAtMost(512, bits, cutoff, exponent)).toBe(true);
    expect(tailIsAtMost(512, bits, cutoff - 1, exponent)).toBe(false);
  }
});

test("the repetition count does not suffer from rounding", () => {
  const wrong: number[][] = [];
  for (let millibits = 1_000; millibits <= 8_000; millibits++) {
    for (let exponent = 20; exponent <= 60; exponent++) {
      const repeats = repetitionCountCutoff(millibits, exponent) - 1;
      const isLeast =
        repeats * millibits >= exponent * 1_000 && (repeats - 1) * millibits < exponent * 1_000;
      if (!isLeast) wrong.push([millibits, exponent]);
    }
  }
  expect(wrong).toEqual([]);
});

test("the permanent tier is always beyond the intermittent one", () => {
  for (let millibits = 1_000; millibits <= 8_000; millibits += 100) {
    const { intermittent, permanent } = tierCutoffs(millibits, 60);
    expect(permanent).toEqual(cutoffsOf(millibits, 80));
    expect(permanent.repetitionCount).toBeGreaterThan(intermittent.repetitionCount);
    expect(permanent.adaptiveProportion).toBeGreaterThan(intermittent.adaptiveProportion);
  }
});
