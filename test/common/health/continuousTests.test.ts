import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ContinuousTests } from "../../../common/health/continuousTests.ts";
import { cutoffsOf, tierCutoffs, windowSamples } from "../../../common/health/cutoffs.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";
import { seededRandom } from "../../helpers/seededRandom.ts";
import {
  binomialTail,
  countAlarms,
  expectedAlarms,
  poissonPValue,
} from "../../helpers/falseAlarms.ts";
import { cut, goodBytes } from "./helpers/streams.ts";
import { anyStream, clearBytes, firstAlarm } from "./helpers/continuousModel.ts";

const cutoffs = tierCutoffs(8_000, 20); // 4/13, permanent 11/30

function good(length: number): Buffer {
  return Buffer.from(goodBytes(3, length));
}

/** Good bytes whose first window has its first byte so often, never twice in a row. */
function window(count: number): Buffer {
  const bytes = good(windowSamples).map((byte) => (byte === 77 ? 78 : byte));
  for (let at = 0; at < count; at++) bytes[2 * at] = 77;
  return Buffer.from(bytes);
}

describe("repetition count", () => {
  test.each([
    [3, undefined],
    [4, "intermittent"],
    [10, "intermittent"],
    [11, "permanent"],
    [500, "permanent"],
  ])("a run of %d: %s", (length, tier) => {
    const bytes = good(2_000).fill(9, 700, 700 + length);
    expect(new ContinuousTests(cutoffs).examine(bytes)?.tier).toBe(tier);
  });

  test("goes on across pieces and windows", () => {
    const bytes = good(2_000).fill(9, 510, 514);
    const tests = new ContinuousTests(cutoffs);
    expect(tests.examine(bytes.subarray(0, 511))).toBeUndefined();
    expect(tests.examine(bytes.subarray(511, 513))).toBeUndefined();
    expect(tests.examine(bytes.subarray(513))).toEqual({
      test: "repetition count",
      tier: "intermittent",
      at: 1,
    });
  });
});

describe("adaptive proportion", () => {
  test.each([
    [12, undefined],
    [13, "intermittent"],
    [29, "intermittent"],
    [30, "permanent"],
  ])("the first byte %d times in a window: %s", (count, tier) => {
    const alarm = new ContinuousTests(cutoffs).examine(window(count));
    expect(alarm?.tier).toBe(tier);
    if (alarm !== undefined) expect(alarm.test).toBe("adaptive proportion");
  });

  test("counts anew in each window", () => {
    const bytes = Buffer.concat([window(12), window(12), window(13)]);
    expect(new ContinuousTests(cutoffs).examine(bytes)).toEqual({
      test: "adaptive proportion",
      tier: "intermittent",
      at: 2 * windowSamples + 25,
    });
  });
});

describe("two tiers", () => {
  test("a stuck source is permanent, once a chunk is long enough to tell", () => {
    const tests = new ContinuousTests(cutoffs);
    expect(tests.examine(Buffer.alloc(10, 1))).toMatchObject({ tier: "intermittent", at: 4 });
    tests.restart();
    expect(tests.examine(Buffer.alloc(11, 1))).toMatchObject({ tier: "permanent", at: 11 });
  });

  test("the rest of the piece is looked at by both tests", () => {
    const bytes = Buffer.concat([window(13), good(windowSamples).fill(8, 100, 111)]);
    expect(new ContinuousTests(cutoffs).examine(bytes)).toEqual({
      test: "repetition count",
      tier: "permanent",
      at: windowSamples + 111,
    });
  });
});

test("agrees with a naive model, however the stream is cut", () => {
  fc.assert(
    fc.property(anyStream, fc.array(fc.nat(3_000), { maxLength: 20 }), (stream, sizes) => {
      const tests = new ContinuousTests(cutoffs);
      let end = 0;
      for (const piece of cut(stream, sizes)) {
        const alarm = tests.examine(piece);
        const before = end;
        end += piece.length;
        const seen = stream.subarray(0, end);
        const first = firstAlarm(seen, cutoffs.intermittent);
        const worse = firstAlarm(seen, cutoffs.permanent);
        if (alarm === undefined) {
          expect(first).toBeUndefined();
          expect(tests).toMatchObject({ examinedBytes: end, clearBytes: clearBytes(seen) });
          continue;
        }
        const expected = worse ?? first;
        expect(alarm).toEqual({
          test: expected?.test,
          tier: worse === undefined ? "intermittent" : "permanent",
          at: (expected?.at ?? 0) - before,
        });
        return;
      }
    }),
    { numRuns: 300 },
  );
});

describe("false alarms on good bytes", () => {
  test("the rates are those of entropy.md", () => {
    const log = (cutoff: number): number => Math.log2(binomialTail(511, 2 ** -8, cutoff - 1));
    expect([13, 16, 19, 20].map((cutoff) => log(cutoff).toFixed(2))).toEqual([
      "-19.64",
      "-28.21",
      "-37.63",
      "-40.93",
    ]);
    const expected = expectedAlarms(1e9 / 8, cutoffsOf(8_000, 20));
    expect(expected["repetition count"]).toBeCloseTo(7.4, 1);
    expect(expected["adaptive proportion"]).toBeCloseTo(0.3, 1);
  });

  /** The small exponents give alarms enough to see a wrong rate. */
  test.each([
    [10, 8],
    [16, 8],
    [20, 9],
  ])("2^−%d: as many as computed in 10^%d bits", (exponent, power) => {
    const bytes = 10 ** power / 8;
    const cutoffs = cutoffsOf(8_000, exponent);
    const expected = expectedAlarms(bytes, cutoffs);
    const found = countAlarms(seededBytes(exponent), bytes, cutoffs);
    for (const test of ["repetition count", "adaptive proportion"] as const) {
      expect(poissonPValue(found[test], expected[test])).toBeGreaterThan(0.001);
    }
  });
});

describe("biased bytes", () => {
  const trials = 1_000;
  const onlyProportion = { repetitionCount: Number.POSITIVE_INFINITY, adaptiveProportion: 20 };

  /** The first byte of a window is the likeliest one, or another one, and comes often enough. */
  function alarmChance(likeliest: number): number {
    const other = (1 - likeliest) / 255;
    return (
      likeliest * binomialTail(511, likeliest, 19) + (1 - likeliest) * binomialTail(511, other, 19)
    );
  }

  test.each([
    [0.03, 85_000],
    [0.05, 11_000],
    [0.1, 5_100],
    [0.25, 2_000],
  ])("the likeliest with %d: %d bytes of windows to an alarm by computation", (likeliest, mean) => {
    expect(windowSamples / alarmChance(likeliest)).toBeGreaterThan(mean * 0.95);
    expect(windowSamples / alarmChance(likeliest)).toBeLessThan(mean * 1.05);
  });

  test.each([
    [0.05, 11_000],
    [0.1, 5_100],
    [0.25, 2_000],
  ])("the likeliest with %d: about %d bytes of windows to an alarm", (likeliest, mean) => {
    const random = seededRandom(likeliest * 1_000);
    const nextWindow = (): Uint8Array =>
      Uint8Array.from({ length: windowSamples }, () =>
        random() < likeliest ? 200 : Math.floor(random() * 255 + 201) % 256,
      );
    const tests = new ContinuousTests({ intermittent: onlyProportion, permanent: onlyProportion });
    let windows = 0;
    for (let alarms = 0; alarms < trials;) {
      windows += 1;
      if (tests.examine(nextWindow()) === undefined) continue;
      alarms += 1;
      tests.restart();
    }
    const found = (windows * windowSamples) / trials;
    const tolerance = mean * (4 / Math.sqrt(trials) + 0.05); // the means are given to two digits
    expect(Math.abs(found - mean)).toBeLessThan(tolerance);
  });
});
