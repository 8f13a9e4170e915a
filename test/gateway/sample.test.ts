import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesPerInteger,
  maxInt64,
  maxSampleBelow,
  maxUint64,
  minInt64,
  sampleBelow,
  sampleFloats,
  sampleIntegers,
  sampleUuids,
  shuffle,
  type NextBytes,
} from "../../gateway/draw/sample.ts";
import { seededBytes } from "../helpers/seededBytes.ts";

const from = (seed: number): NextBytes => {
  const next = seededBytes(seed);
  return async (count) => next(count);
};

/** χ² of counts against a uniform expectation. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("integers", () => {
  test("are in their range, as many as asked for, for any range of 64 bits", async () => {
    const anyRange = fc
      .oneof(
        fc.tuple(fc.bigInt(minInt64, maxInt64), fc.bigInt(minInt64, maxInt64)),
        fc.tuple(fc.bigInt(0n, maxUint64), fc.bigInt(0n, maxUint64)),
        fc.tuple(fc.bigInt(-300n, 300n), fc.bigInt(-300n, 300n)),
        fc.constantFrom(
          [minInt64, maxInt64],
          [0n, maxUint64],
          [minInt64, minInt64],
          [maxUint64, maxUint64],
        ),
      )
      .map(([a = 0n, b = 0n]) => (a <= b ? { min: a, max: b } : { min: b, max: a }));
    await fc.assert(
      fc.asyncProperty(
        anyRange,
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        async (range, count, seed) => {
          const integers = await sampleIntegers(from(seed), { count, ...range });
          expect(integers).toHaveLength(count);
          expect(integers.every((value) => value >= range.min && value <= range.max)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  // Sizes where taking a remainder without rejection would show: just above half of the words.
  test.each([
    [2, 1n],
    [3, 3n],
    [6, 1n],
    [100, -50n],
    [129, 0n],
    [200, 0n],
    [255, 0n],
    [257, 0n],
  ])("of %i values are uniform (χ²)", async (size, min) => {
    const count = size * 2_000;
    const values = await sampleIntegers(from(size), { count, min, max: min + BigInt(size - 1) });
    const counts = Array<number>(size).fill(0);
    for (const value of values) counts[Number(value - min)]! += 1;
    // Mean size − 1, standard deviation √(2(size − 1)): five of them.
    expect(chiSquare(counts)).toBeLessThan(size - 1 + 5 * Math.sqrt(2 * (size - 1)));
  });

  test("of a range just above half of 2^64 are uniform over its halves", async () => {
    const max = 2n ** 63n + 2n ** 62n; // a remainder would favour the lower third
    const values = await sampleIntegers(from(5), { count: 30_000, min: 0n, max });
    const counts = [0, 0, 0];
    for (const value of values) counts[Number((value * 3n) / (max + 1n))]! += 1;
    expect(chiSquare(counts)).toBeLessThan(2 + 5 * Math.sqrt(4));
  });

  test("every word is used or rejected as the multiple of the size says", async () => {
    const words = [0, 5, 249, 250, 251, 255];
    const script = [Buffer.from(words.flatMap((word) => [0xff, word])), Buffer.alloc(100)];
    const next: NextBytes = async (count) => script.shift()!.subarray(0, count);
    // Width 2 for a size of 10: words below 65530 are kept.
    const values = await sampleIntegers(next, { count: 6, min: 0n, max: 9n });
    expect(values).toEqual([0n, 5n, 9n, 0n, 0n, 0n]);
  });

  test("as numbers, are the same as as bigints, from the same bytes", async () => {
    const sizes = fc.oneof(
      fc.integer({ min: 1, max: maxSampleBelow }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(maxSampleBelow, maxSampleBelow - 1, 2 ** 32, 2 ** 32 + 1),
    );
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.maxSafeInteger().filter((least) => least <= Number.MAX_SAFE_INTEGER - maxSampleBelow),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        async (size, least, count, seed) => {
          const numbers = await sampleBelow(from(seed), count, size, least);
          const range = { count, min: BigInt(least), max: BigInt(least) + BigInt(size - 1) };
          expect(numbers.map(BigInt)).toEqual(await sampleIntegers(from(seed), range));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("of one value cost no bytes", async () => {
    const never: NextBytes = () => Promise.reject(new Error("asked for bytes"));
    expect(await sampleIntegers(never, { count: 3, min: 7n, max: 7n })).toEqual([7n, 7n, 7n]);
    expect(await sampleBelow(never, 3, 1)).toEqual([0, 0, 0]);
  });

  test("cost a byte more than the range needs, and never more than eight", () => {
    const sizes = [1n, 2n, 256n, 257n, 65_536n, 2n ** 56n, 2n ** 56n + 1n, 2n ** 64n];
    expect(sizes.map(bytesPerInteger)).toEqual([0, 2, 2, 3, 3, 8, 8, 8]);
  });
});

test("floats are multiples of 2^-53 in [0, 1), uniform, from the upper bits", async () => {
  const floats = await sampleFloats(from(1), 20_000);
  expect(
    floats.every((value) => value >= 0 && value < 1 && Number.isInteger(value * 2 ** 53)),
  ).toBe(true);
  const counts = Array<number>(50).fill(0);
  for (const value of floats) counts[Math.floor(value * 50)]! += 1;
  expect(chiSquare(counts)).toBeLessThan(49 + 5 * Math.sqrt(98));
  const edge = async (bytes: Buffer): Promise<number[]> => sampleFloats(async () => bytes, 1);
  expect(await edge(Buffer.alloc(8, 0xff))).toEqual([1 - 2 ** -53]);
  expect(await edge(Buffer.from("0000000000000800", "hex"))).toEqual([2 ** -53]);
  expect(await edge(Buffer.from("00000000000007ff", "hex"))).toEqual([0]);
});

test("UUIDs are version 4, and all their other bits are the random ones", async () => {
  const [ones, zeros] = await sampleUuids(
    async () => Buffer.concat([Buffer.alloc(16, 0xff), Buffer.alloc(16)]),
    2,
  );
  expect(ones).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  expect(zeros).toBe("00000000-0000-4000-8000-000000000000");
});

test("every order of a list is as likely (χ² over the 24 of four)", async () => {
  const next = from(9);
  const counts = new Map<string, number>();
  for (let round = 0; round < 24_000; round++) {
    const order = (await shuffle(next, ["a", "b", "c", "d"])).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  expect(chiSquare([...counts.values()])).toBeLessThan(23 + 5 * Math.sqrt(46));
});

test("the bytes are zeroed when the numbers are made", async () => {
  const used: Buffer[] = [];
  const next: NextBytes = async (count) => {
    const bytes = Buffer.alloc(count, 0x41);
    used.push(bytes);
    return bytes;
  };
  await sampleIntegers(next, { count: 5, min: 0n, max: 9n });
  await sampleBelow(next, 5, 10);
  await sampleFloats(next, 5);
  await sampleUuids(next, 5);
  expect(used).toHaveLength(4);
  expect(used.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
});
