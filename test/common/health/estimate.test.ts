import { describe, expect, test } from "vitest";
import { estimateHealth, mostCommonValueEstimate } from "../../../common/health/estimate.ts";
import { goodBytes } from "./helpers/streams.ts";

const options = { minEntropyMillibitsPerByte: 8_000, alphaExponent: 40 };

describe("the most common value estimate", () => {
  test("SP 800-90B's example: 20 samples, 0.4 the most common share", () => {
    const samples = [0, 1, 1, 2, 0, 1, 2, 2, 0, 1, 0, 1, 1, 0, 2, 2, 1, 0, 2, 1];
    expect(mostCommonValueEstimate(Uint8Array.from(samples))).toBeCloseTo(0.5363, 4);
  });

  test("a constant has none", () => {
    expect(mostCommonValueEstimate(new Uint8Array(1_000))).toBe(0);
  });

  test("of good bytes comes near 8 with their number, from below", () => {
    const estimates = [64, 4_096, 2 ** 16, 2 ** 20, 2 ** 24].map((length) =>
      mostCommonValueEstimate(goodBytes(1, length)),
    );
    expect(estimates).toEqual(estimates.toSorted((a, b) => a - b));
    expect(estimates.at(-1)).toBeLessThan(8);
    expect(estimates.at(-1)).toBeGreaterThan(7.95);
  });
});

test("a good source passes all", () => {
  const estimate = estimateHealth(goodBytes(1, 2 ** 20), options);
  expect(estimate).toMatchObject({
    bytes: 2 ** 20,
    rows: [
      { test: "repetition count", failsFrom: 6, passed: true },
      { test: "adaptive proportion", failsFrom: 19, passed: true },
      { test: "FIPS 140-2", failsFrom: 4, passed: true },
    ],
  });
  expect(Number.isInteger(estimate.minEntropyMillibitsPerByte)).toBe(true);
});

test("what was found is what decides", () => {
  const run = goodBytes(1, 10_000).fill(5, 4_000, 4_006);
  expect(estimateHealth(run, options).rows[0]).toEqual({
    test: "repetition count",
    found: 6,
    failsFrom: 6,
    passed: false,
  });
  const window = goodBytes(2, 10_000);
  for (let at = 512; at < 1_024; at += 16) window[at] = 1;
  const proportion = estimateHealth(window, options).rows[1];
  expect(proportion?.found).toBeGreaterThanOrEqual(32);
  expect(proportion?.passed).toBe(false);
  const block = goodBytes(3, 2_500).fill(0, 100, 104);
  expect(estimateHealth(block, options).rows[2]).toEqual({
    test: "FIPS 140-2",
    found: 1,
    failsFrom: 1,
    passed: false,
  });
});

test("a test that has too few bytes has no row; the bytes stay as they are", () => {
  const bytes = goodBytes(1, 2_499);
  expect(estimateHealth(bytes, options).rows.map((row) => row.test)).toEqual([
    "repetition count",
    "adaptive proportion",
  ]);
  expect(bytes).toEqual(goodBytes(1, 2_499));
});
