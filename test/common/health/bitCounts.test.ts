import fc from "fast-check";
import { expect, test } from "vitest";
import { BitCounts, type BitFigures } from "../../../common/health/bitCounts.ts";
import { bitsOf, cut } from "./helpers/streams.ts";

/** The figures as anybody would first write them: on text. */
function naiveFigures(bytes: Uint8Array): BitFigures {
  const bits = bitsOf(bytes);
  const runsOf = (value: string): number[] =>
    (bits.match(new RegExp(`${value}+`, "g")) ?? []).map((run) => run.length);
  const byLength = (runs: readonly number[]): number[] =>
    [1, 2, 3, 4, 5, 6].map((length) => runs.filter((run) => Math.min(run, 6) === length).length);
  const zeros = runsOf("0");
  const ones = runsOf("1");
  const nibbles = bits.match(/.{4}/g) ?? [];
  return {
    bits: bits.length,
    ones: ones.reduce((sum, run) => sum + run, 0),
    nibbles: Array.from(
      { length: 16 },
      (_, nibble) => nibbles.filter((four) => parseInt(four, 2) === nibble).length,
    ),
    runs: { zeros: byLength(zeros), ones: byLength(ones) },
    longestRun: { zeros: Math.max(0, ...zeros), ones: Math.max(0, ...ones) },
  };
}

/** Mostly bytes that end, begin or go on with long runs. */
const anyByte = fc.oneof(
  fc.constantFrom(0x00, 0xff, 0x01, 0x80, 0x7f, 0xfe, 0x81, 0x7e, 0x0f, 0xf0),
  fc.integer({ min: 0, max: 255 }),
);
const anyBytes = fc.array(anyByte, { maxLength: 80 }).map((bytes) => Uint8Array.from(bytes));

test("all figures are those of a naive count, however the bytes are cut", () => {
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat(100), { maxLength: 6 }), (bytes, sizes) => {
      const counts = new BitCounts();
      for (const piece of cut(bytes, sizes)) counts.add(piece);
      expect(counts.figures()).toEqual(naiveFigures(bytes));
      expect(counts.figures()).toEqual(naiveFigures(bytes)); // asking changes nothing
      counts.clear();
      counts.add(bytes);
      expect(counts.figures()).toEqual(naiveFigures(bytes));
    }),
    { numRuns: 500 },
  );
});

test("every pair of bytes", () => {
  const differing = [];
  for (let first = 0; first < 256; first += 3) {
    for (let second = 0; second < 256; second += 5) {
      const bytes = Uint8Array.of(first, second);
      const counts = new BitCounts();
      counts.add(bytes);
      const { runs, longestRun } = counts.figures();
      const naive = naiveFigures(bytes);
      if (JSON.stringify([runs, longestRun]) !== JSON.stringify([naive.runs, naive.longestRun])) {
        differing.push([first, second]);
      }
    }
  }
  expect(differing).toEqual([]);
});
