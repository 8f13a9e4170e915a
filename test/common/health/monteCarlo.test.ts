import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assess,
  assessments,
  bytesPerPoint,
  MonteCarlo,
  runMonteCarlo,
} from "../../../common/health/monteCarlo.ts";
import { copiesDuring } from "./helpers/copies.ts";
import { cut, goodBytes } from "./helpers/streams.ts";

const forever = new AbortController().signal;

/** The share of points inside, on exact integers of any size. */
function naiveInside(bytes: Uint8Array): number {
  const hex = Buffer.from(bytes).toString("hex");
  const points = hex.match(/.{12}/g) ?? [];
  return points.filter((point) => {
    const [x, y] = [point.slice(0, 6), point.slice(6)].map((half) => 2n * BigInt(`0x${half}`) + 1n);
    return x! * x! + y! * y! < 2n ** 50n;
  }).length;
}

function resultOf(pieces: readonly Uint8Array[]) {
  const monteCarlo = new MonteCarlo();
  for (const piece of pieces) monteCarlo.update(Uint8Array.from(piece));
  return monteCarlo.result();
}

test.each([
  ["000000 000000", 4],
  ["ffffff ffffff", 0],
  ["ffffff 000000", 4],
  ["ffffff 000fff", 4],
  ["ffffff 001000", 0],
  ["b504f2 b504f2", 4],
  ["b504f3 b504f3", 0],
])("the point %s", (point, pi) => {
  const bytes = Buffer.from(point.replace(" ", ""), "hex");
  expect(naiveInside(bytes) * 4).toBe(pi);
  expect(resultOf([bytes])).toMatchObject({ estimated_pi: pi, iterations: 1 });
});

test("counts like exact integers do, however the bytes are cut", () => {
  const anyPoints = fc
    .array(fc.oneof(fc.constantFrom(0x00, 0xff, 0xb5, 0x04, 0xf3), fc.nat(255)), {
      minLength: bytesPerPoint,
      maxLength: 600,
    })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(anyPoints, fc.array(fc.nat(40), { maxLength: 20 }), (bytes, sizes) => {
      const points = Math.floor(bytes.length / bytesPerPoint);
      const result = resultOf(cut(bytes, sizes));
      expect(result.iterations).toBe(points);
      expect(result.estimated_pi).toBe((4 * naiveInside(bytes)) / points);
    }),
    { numRuns: 300 },
  );
});

test("a result in full", () => {
  // three of four inside
  const bytes = Buffer.concat([Buffer.alloc(18), Buffer.alloc(6, 0xff)]);
  const error = Math.PI - 3;
  const standardError = Math.sqrt((Math.PI * (4 - Math.PI)) / 4);
  expect(resultOf([bytes])).toEqual({
    estimated_pi: 3,
    error: expect.closeTo(error, 12),
    error_percent: expect.closeTo((100 * error) / Math.PI, 12),
    standard_error: expect.closeTo(standardError, 12),
    z_score: expect.closeTo(-error / standardError, 12),
    iterations: 4,
    quality_assessment: "excellent",
  });
});

test("without a point there is no result", () => {
  const monteCarlo = new MonteCarlo();
  monteCarlo.update(Buffer.alloc(5));
  expect(() => monteCarlo.result()).toThrow(RangeError);
});

// ent 1.2 counts the same points, at the corner of their cells
test("agrees with ent", () => {
  expect(resultOf([goodBytes(1, 1_000_000)]).estimated_pi).toBeCloseTo(3.140893, 6);
});

describe("the verdict", () => {
  test.each([
    [0, "excellent"],
    [1, "excellent"],
    [-1.01, "good"],
    [2, "good"],
    [2.01, "acceptable"],
    [-3, "acceptable"],
    [3.01, "poor"],
    [-400, "poor"],
  ])("%d standard errors off: %s", (zScore, wanted) => {
    expect(assess(zScore)).toBe(wanted);
  });

  test("falls on a good source as often as documented", () => {
    const bytes = goodBytes(2, 1_000 * 600);
    const counts = assessments.map(() => 0);
    for (let at = 0; at < bytes.length; at += 600) {
      const { quality_assessment } = resultOf([bytes.subarray(at, at + 600)]);
      counts[assessments.indexOf(quality_assessment)]! += 1;
    }
    const documented = [683, 272, 43, 3];
    for (const [index, count] of counts.entries()) {
      // the points are few: their count comes in steps, so only about
      expect(Math.abs(count - documented[index]!)).toBeLessThan(60);
    }
  });

  test("is poor for a biased source", () => {
    const bytes = goodBytes(1, 600_000).map((byte, at) => (at % 3 === 0 ? byte & 0xfb : byte));
    expect(resultOf([bytes]).quality_assessment).toBe("poor");
  });
});

describe("bytes", () => {
  test("are zeroed when used, those of a point that is not whole too", () => {
    const monteCarlo = new MonteCarlo();
    const bytes = goodBytes(1, 1_003);
    const kept = copiesDuring(() => monteCarlo.update(bytes));
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(kept.some((memory) => memory.some((byte) => byte !== 0))).toBe(true);
    monteCarlo.update(goodBytes(1, 5)); // one whole point, and nothing left
    expect(kept.every((memory) => memory.every((byte) => byte === 0))).toBe(true);
    expect(monteCarlo.result().iterations).toBe(168);

    const more = copiesDuring(() => monteCarlo.update(goodBytes(1, 3)));
    monteCarlo.close();
    expect(more.every((memory) => memory.every((byte) => byte === 0))).toBe(true);
  });
});

describe("a big buffer", () => {
  test("gives the same result, and is zeroed", async () => {
    const bytes = goodBytes(1, 1_000_000);
    const wanted = resultOf([bytes]);
    const pieces = cut(bytes, [1, 500_000, 7]);
    expect(await runMonteCarlo(pieces, forever)).toEqual(wanted);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test("is zeroed also when it is aborted", async () => {
    const bytes = goodBytes(1, 1_000_000);
    const controller = new AbortController();
    const running = runMonteCarlo([bytes], controller.signal);
    const reason = new Error("the client has gone");
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test("that makes no point is refused, and zeroed", async () => {
    const bytes = goodBytes(1, 5);
    await expect(runMonteCarlo([bytes], forever)).rejects.toThrow(RangeError);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});
