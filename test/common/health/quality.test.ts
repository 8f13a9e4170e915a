import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fipsBlockBytes } from "../../../common/health/fips.ts";
import { failedBlocksPValue } from "../../../common/health/fipsSummary.ts";
import {
  chiSquare,
  frequencyPValue,
  longestRunPValue,
  runsPValue,
} from "../../../common/health/pValues.ts";
import {
  describeQuality,
  measureQuality,
  minQualityBytes,
  QualityTests,
} from "../../../common/health/quality.ts";
import { copiesDuring } from "./helpers/copies.ts";
import { biasedBytes, bitsOf, cut, goodBytes } from "./helpers/streams.ts";

const forever = new AbortController().signal;

const ones = (bits: string): number => bits.split("1").length - 1;
const runs = (bits: string): number => bits.match(/0+|1+/g)!.length;

/** The first 100 binary digits of π: SP 800-22 rev. 1a, sections 2.1.8 and 2.3.8. */
const piBits =
  "1100100100001111110110101010001000100001011010001100" +
  "001000110100110001001100011001100010100010111000";

test.each([
  ["1011010101", 0.527089],
  [piBits, 0.109599],
])("frequency of %s", (bits, pValue) => {
  expect(frequencyPValue(ones(bits), bits.length)).toBeCloseTo(pValue, 6);
});

test.each([
  ["1001101011", 0.147232],
  [piBits, 0.500798],
])("runs of %s", (bits, pValue) => {
  expect(runsPValue(runs(bits), ones(bits), bits.length)).toBeCloseTo(pValue, 6);
});

test("the runs test fails where the share of ones is 2 / √n off or more", () => {
  expect(runsPValue(43, 69, 100)).toBeGreaterThan(0.9);
  expect(runsPValue(42, 70, 100)).toBe(0);
  expect(runsPValue(42, 30, 100)).toBe(0);
});

/** The first so many bits of √n, for n = 2 and 3. */
function rootBits(n: bigint, bits: number): Buffer {
  return Buffer.from(floorRoot(n << BigInt(2 * (bits - 1))).toString(16), "hex");
}

/** ⌊√n⌋: the root of its upper half, and a step of Newton's for the lower half of the digits. */
function floorRoot(n: bigint): bigint {
  if (n < 2n ** 52n) return BigInt(Math.floor(Math.sqrt(Number(n))));
  const half = BigInt(n.toString(16).length);
  const rough = floorRoot(n >> (2n * half)) << half;
  let root = (rough + n / rough) >> 1n;
  while (root * root > n) root -= 1n;
  return root;
}

// SP 800-22 rev. 1a, appendix B: the first 1,000,000 bits
test.each([
  [2n, 0.811881, 0.313427],
  [3n, 0.610051, 0.261123],
])("the bits of √%d have the p-values that SP 800-22 gives", (n, frequency, runsWanted) => {
  const quality = describeQuality(rootBits(n, 1_000_000));
  expect(quality.frequency.pValue).toBeCloseTo(frequency, 6);
  expect(quality.runs.pValue).toBeCloseTo(runsWanted, 6);
});

// ent 1.2 on the same bytes
test.each([
  ["good", goodBytes(1, 1_000_000), 238.0288, 0.7701, 0.000785],
  ["biased", biasedBytes(1_000_000, 6), 2166.850048, 0, 0.00066],
])("%s bytes have the figures that ent gives", (_name, bytes, statistic, pValue, coefficient) => {
  const quality = describeQuality(bytes);
  expect(quality.chiSquare.statistic).toBeCloseTo(statistic, 6);
  expect(quality.chiSquare.degrees).toBe(255);
  expect(quality.chiSquare.pValue).toBeCloseTo(pValue, 4);
  expect(quality.serialCorrelation.coefficient).toBeCloseTo(coefficient, 6);
});

test("χ² of a fair die that is not", () => {
  expect(chiSquare([5, 8, 9, 8, 10, 20])).toEqual({
    statistic: expect.closeTo(13.4, 12),
    degrees: 5,
    pValue: expect.closeTo(0.0199, 4),
  });
});

describe("serial correlation", () => {
  /** Knuth's formula as it stands, on the bytes as they are. */
  function naiveCoefficient(bytes: Uint8Array): number {
    const all = [...bytes];
    const n = all.length;
    const sum = all.reduce((total, byte) => total + byte);
    const squares = all.reduce((total, byte) => total + byte * byte, 0);
    const products = all.reduce((total, byte, at) => total + byte * all[(at + 1) % n]!, 0);
    return (n * products - sum ** 2) / (n * squares - sum ** 2);
  }

  test("is Knuth's formula", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: minQualityBytes, maxLength: 4_000 }),
        fc.nat(3_000),
        (noise, from) => {
          noise[0] = 1; // not all the same
          noise.copyWithin(from, from / 2, from / 2 + 400);
          const { coefficient } = describeQuality(noise).serialCorrelation;
          expect(coefficient).toBeCloseTo(naiveCoefficient(noise), 10);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("has z-scores of mean 0 and variance 1 for a good source", () => {
    const stream = goodBytes(3, 400 * minQualityBytes);
    const scores = Array.from({ length: 400 }, (_, index) => {
      const at = index * minQualityBytes;
      return describeQuality(stream.subarray(at, at + minQualityBytes)).serialCorrelation.zScore;
    });
    const mean = scores.reduce((sum, score) => sum + score) / scores.length;
    const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
    expect(Math.abs(mean)).toBeLessThan(0.15); // three standard errors
    expect(Math.abs(variance - 1)).toBeLessThan(0.22);
  });

  test.each([
    ["equal bytes", new Uint8Array(10_000).fill(7), 1],
    ["equal bytes, many", new Uint8Array(1_000_000).fill(255), 1],
    ["a counter", Uint8Array.from({ length: 25_600 }, (_, at) => at & 255), 0.976654],
    ["alternating bytes", Uint8Array.from({ length: 10_000 }, (_, at) => (at & 1) * 255), -1],
  ])("of %s is far from 0", (_name, bytes, wanted) => {
    const { coefficient, pValue } = describeQuality(bytes).serialCorrelation;
    expect(coefficient).toBeCloseTo(wanted, 6);
    expect(pValue).toBeLessThan(1e-100);
  });
});

describe("the longest run", () => {
  /** The exact chance, from the number of compositions of `bits` into parts below `length`. */
  function exact(length: number, bits: number): number {
    const below = [2]; // sequences of so many bits without such a run, over 2^bits
    for (let n = 1; n <= bits; n++) {
      let sum = 0;
      for (let part = 1; part < length && part <= n; part++) sum += below[n - part]! * 2 ** -part;
      below.push(sum);
    }
    return 1 - below[bits]!;
  }

  test.each([
    [13, 20_000],
    [15, 20_000],
    [17, 20_000],
    [20, 20_000],
    [26, 20_000],
    [16, 100],
  ])("%d of %d bits", (length, bits) => {
    expect(longestRunPValue(length, bits) / exact(length, bits)).toBeCloseTo(1, 2);
  });

  test("is found with its value", () => {
    const bytes = goodBytes(1, minQualityBytes);
    bytes.fill(0xff, 1_000, 1_008);
    const { longestRun } = describeQuality(bytes);
    expect(longestRun.bits).toBeGreaterThanOrEqual(64);
    expect(longestRun.value).toBe(1);
    expect(longestRun.pValue).toBeLessThan(1e-14);
  });
});

describe("FIPS figures", () => {
  const good = goodBytes(9, fipsBlockBytes);
  const bad = Uint8Array.from(good).fill(0, 1_201, 1_205);

  test("of one good block", () => {
    const { fips } = describeQuality(good);
    expect(fips).toMatchObject({ blocks: 1, failedBlocks: 0, pValue: 1, passed: true });
    expect(fips.ones).toEqual({ min: ones(bitsOf(good)), max: ones(bitsOf(good)) });
  });

  test("of one block that fails", () => {
    expect(describeQuality(bad).fips).toMatchObject({
      blocks: 1,
      failedBlocks: 1,
      pValue: expect.closeTo(0.0008, 6),
      passed: false,
      failures: { monobit: 0, poker: 0, runs: 0, "longest run": 1, "continuous run": 0 },
    });
  });

  test("of several blocks are ranges; what is left over is not in them", () => {
    const low = goodBytes(5, fipsBlockBytes).fill(0, 0, 500);
    const left = Buffer.alloc(2_499, 0xff);
    const { bytes, fips } = describeQuality(Buffer.concat([good, low, left]));
    expect(bytes).toBe(7_499);
    expect(fips.blocks).toBe(2);
    expect(fips.ones).toEqual({ min: ones(bitsOf(low)), max: ones(bitsOf(good)) });
    expect(fips.poker.max).toBeGreaterThan(1_000);
    expect(fips.runs.ones[0]!.max).toBeGreaterThan(fips.runs.ones[0]!.min);
    expect(fips.longestRun).toBeGreaterThanOrEqual(4_000);
    expect(fips.equalWords).toBe(124);
    expect(fips.failures).toEqual({
      monobit: 1,
      poker: 1,
      runs: 1,
      "longest run": 1,
      "continuous run": 1,
    });
  });

  test("a good source's few failures in many blocks pass", () => {
    expect(failedBlocksPValue(0, 419)).toBe(1);
    expect(failedBlocksPValue(1, 419)).toBeCloseTo(1 - Math.exp(-0.3352), 12);
    expect(failedBlocksPValue(3, 419)).toBeGreaterThan(0.001);
    expect(failedBlocksPValue(4, 419)).toBeLessThan(0.001);
  });
});

test("zeros have nothing to say for them", () => {
  const {
    frequency,
    runs: runsResult,
    longestRun,
    chiSquare: chi,
    fips,
  } = describeQuality(new Uint8Array(10_000));
  expect([frequency.pValue, runsResult.pValue, longestRun.pValue, chi.pValue]).toEqual([
    0, 0, 0, 0,
  ]);
  expect(fips.passed).toBe(false);
});

test("fewer bytes than one block are refused", () => {
  expect(() => describeQuality(new Uint8Array(minQualityBytes - 1))).toThrow(RangeError);
});

test("how the bytes are cut does not matter, and they stay as they are", async () => {
  const bytes = biasedBytes(200_001, 4);
  const copy = Uint8Array.from(bytes);
  const whole = describeQuality(bytes);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(70_000), { maxLength: 12 }), async (sizes) => {
      expect(await measureQuality(cut(bytes, sizes), forever)).toEqual(whole);
    }),
    { numRuns: 20 },
  );
  expect(Buffer.compare(bytes, copy)).toBe(0);
});

test("ends when it is aborted", async () => {
  const controller = new AbortController();
  const running = measureQuality([goodBytes(1, 200_000)], controller.signal);
  controller.abort();
  await expect(running).rejects.toBe(controller.signal.reason);
});

test("what it keeps of the bytes is zeroed when it is closed", () => {
  const tests = new QualityTests();
  const kept = copiesDuring(() => tests.update(goodBytes(1, 3_000)));
  expect(kept.some((memory) => memory.some((byte) => byte !== 0))).toBe(true);
  tests.close();
  expect(kept.every((memory) => memory.every((byte) => byte === 0))).toBe(true);
});
