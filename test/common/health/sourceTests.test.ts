import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HealthAlarm, healthTests } from "../../../common/health/alarms.ts";
import { tierCutoffs } from "../../../common/health/cutoffs.ts";
import { fipsBlockBytes } from "../../../common/health/fips.ts";
import { Independence } from "../../../common/health/independence.ts";
import {
  SourceTests,
  type SourceTestsOptions,
  startUpBytes,
} from "../../../common/health/sourceTests.ts";
import { copiesDuring } from "./helpers/copies.ts";
import { anyStream, clearBytes, firstAlarm } from "./helpers/continuousModel.ts";
import { cut, goodBytes } from "./helpers/streams.ts";

const weak = { minEntropyMillibitsPerByte: 8_000, alphaExponent: 20 } as const; // 4/13
const usual = { minEntropyMillibitsPerByte: 8_000, alphaExponent: 40 } as const; // 6/19

interface Outcome {
  readonly released: number[];
  /** Of each byte, the chunk whose time it bears. */
  readonly ages: number[];
  readonly failed?: {
    readonly index: number;
    readonly alarm: HealthAlarm;
    readonly releasedBytes: number;
  };
}

/** What came of the chunks, up to the first alarm. Who takes a piece zeroes it when done. */
function run(tests: SourceTests, chunks: readonly Uint8Array[]): Outcome {
  const released: number[] = [];
  const ages: number[] = [];
  for (const [index, bytes] of chunks.entries()) {
    const verdict = tests.update(Buffer.from(bytes), index);
    if ("alarm" in verdict) expect(healthTests).toContain(verdict.alarm.test);
    if ("alarm" in verdict) return { released, ages, failed: { index, ...verdict } };
    for (const { data, fetchedAt } of verdict.pieces) {
      released.push(...data);
      ages.push(...data.map(() => fetchedAt));
      data.fill(0);
    }
  }
  return { released, ages };
}

function sourceTests(options: SourceTestsOptions = usual): SourceTests {
  return new SourceTests(options);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

describe("hold-back", () => {
  test("nothing goes on before 1,024 bytes have passed, then whole windows do", () => {
    const stream = goodBytes(1, 4_000);
    const tests = sourceTests();
    expect(run(tests, [stream.subarray(0, startUpBytes - 1)]).released).toEqual([]);
    expect(tests.heldBytes()).toBe(startUpBytes - 1);
    const { released } = run(tests, [stream.subarray(startUpBytes - 1, 1_535)]);
    expect(released).toEqual([...stream.subarray(0, clearBytes(stream.subarray(0, 1_024)))]);
    expect(tests.heldBytes()).toBe(1_535 - released.length);
  });

  test("any cutting gives the same bytes, and nothing of a failing window", () => {
    fc.assert(
      fc.property(anyStream, fc.array(fc.nat(1_500), { maxLength: 30 }), (stream, sizes) => {
        const chunks = cut(stream, sizes);
        const tests = sourceTests(weak);
        const outcome = run(tests, chunks);
        const ends = chunks.map((chunk) => chunk.byteOffset - stream.byteOffset + chunk.length);
        const alarm = firstAlarm(stream, tierCutoffs(8_000, 20).intermittent);
        const failing = ends.findIndex((end) => end >= (alarm?.at ?? Number.POSITIVE_INFINITY));
        const passed = failing < 0 ? stream.length : (ends[failing - 1] ?? 0);
        const clear = passed < startUpBytes ? 0 : clearBytes(stream.subarray(0, passed));
        expect(outcome.released).toEqual([...stream.subarray(0, clear)]);
        expect(outcome.failed?.index ?? -1).toBe(failing);
        if (alarm !== undefined) {
          expect(outcome.failed?.releasedBytes).toBe(clear);
          expect(clear).toBeLessThanOrEqual(alarm.at - (alarm.at % 512 || 512));
        }
        expect(tests.heldBytes()).toBe(alarm === undefined ? stream.length - clear : 0);
      }),
      { numRuns: 300 },
    );
  });

  test("each byte keeps the time of its own chunk", () => {
    const stream = goodBytes(1, 5_000);
    const { ages } = run(sourceTests(), cut(stream, [700, 700, 700, 100, 100, 100]));
    const expected = [700, 700, 700, 100, 100, 100].flatMap((size, at) =>
      Array.from({ length: size }, () => at),
    );
    expect(ages.slice(0, 2_400)).toEqual(expected);
  });

  test("whole windows go on without a copy, the rest does not keep the chunk's memory", () => {
    const chunk = Buffer.from(new Uint8Array(goodBytes(1, 70_000)).buffer);
    const verdict = sourceTests().update(chunk, 0);
    const [piece] = "pieces" in verdict ? verdict.pieces : [];
    expect(piece?.data.buffer).toBe(chunk.buffer);
    expect(isZero(chunk.subarray(piece?.data.length))).toBe(true);
  });
});

describe("an alarm", () => {
  test("zeroes the chunk, what was held, and every copy", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 8 }), (sizes) => {
        const stream = goodBytes(1, 20_000);
        const chunks = cut(stream, sizes).map((piece) => Buffer.from(piece));
        const tests = sourceTests();
        const copies = copiesDuring(() => {
          chunks.forEach((chunk, at) => {
            const verdict = tests.update(chunk, at);
            if ("pieces" in verdict) for (const { data } of verdict.pieces) data.fill(0);
          });
          chunks.push(Buffer.alloc(600, 7));
          expect(tests.update(chunks.at(-1)!, 9)).toHaveProperty("alarm");
        });
        expect(copies.length).toBeGreaterThan(0);
        expect([...chunks, ...copies].every(isZero)).toBe(true);
        expect(tests.heldBytes()).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("is followed by a new start-up test, and counts what went on since the one before", () => {
    const tests = sourceTests();
    run(tests, [goodBytes(1, 3_000)]);
    const released = clearBytes(goodBytes(1, 3_000));
    expect(run(tests, [Buffer.alloc(64, 1)]).failed).toMatchObject({
      alarm: { test: "repetition count", tier: "permanent" },
      releasedBytes: released,
    });
    expect(run(tests, [goodBytes(2, 1_023)]).released).toEqual([]);
    expect(run(tests, [goodBytes(3, 64)]).released.length).toBeGreaterThan(1_000);
    tests.restart();
    expect(run(tests, [Buffer.alloc(64, 1)]).failed).toMatchObject({ releasedBytes: 0 });
  });

  test("closing zeroes what is held", () => {
    const chunk = goodBytes(1, 900);
    const tests = sourceTests();
    tests.update(chunk, 0);
    tests.close();
    expect(isZero(chunk)).toBe(true);
    expect(tests.heldBytes()).toBe(0);
  });
});

describe("repeats", () => {
  const [a, b] = [goodBytes(1, 640), goodBytes(2, 640)];

  test("a cache that answers A, B, A, B", () => {
    const { failed } = run(sourceTests(), [a, b, a, b]);
    expect(failed).toMatchObject({ index: 2, alarm: { test: "repeated", tier: "intermittent" } });
  });

  test("are found after any restart", () => {
    const tests = sourceTests();
    run(tests, [a, b]);
    tests.restart();
    expect(run(tests, [b]).failed).toMatchObject({ alarm: { test: "repeated" } });
    expect(run(tests, [a]).failed).toMatchObject({ alarm: { test: "repeated" } });
  });
});

test("equal blocks of two sources name the other one", () => {
  const independence = new Independence(["lab", "roof"]);
  const [lab, roof] = ["lab", "roof"].map((name) =>
    sourceTests({ ...usual, sharedBlock: independence.checkFor(name) }),
  );
  const shared = goodBytes(5, 3_200);
  expect(run(lab!, [goodBytes(1, 1_000), shared])).not.toHaveProperty("failed");
  const chunk = Buffer.concat([goodBytes(2, 32), shared.subarray(320, 352), goodBytes(3, 200)]);
  expect(run(roof!, [goodBytes(4, 2_000), chunk]).failed).toMatchObject({
    index: 1,
    alarm: { test: "not independent", tier: "intermittent", otherSource: "lab" },
  });
});

describe("FIPS", () => {
  /** So many blocks, the first `failing` with a run of 32 zero bits or more. */
  function blocks(count: number, failing: number): Buffer {
    const bytes = goodBytes(8, count * fipsBlockBytes);
    for (let block = 0; block < failing; block++) {
      bytes.fill(0, block * fipsBlockBytes + 1_201, block * fipsBlockBytes + 1_205);
    }
    return bytes;
  }

  test.each([
    [20, 5],
    [29, 5],
    [30, 7],
    [39, 7],
    [40, 9],
    [60, 9],
  ])("at 2^−%d the level of %d blocks in 200", (alphaExponent, failing) => {
    // Few bits per byte: four zero bytes are no alarm of their own.
    const options = { minEntropyMillibitsPerByte: 4_000, alphaExponent };
    expect(run(sourceTests(options), [blocks(20, failing - 1)])).not.toHaveProperty("failed");
    expect(run(sourceTests(options), [blocks(20, failing)]).failed).toMatchObject({
      alarm: { test: "longest run", tier: "intermittent" },
    });
  });

  test("an alarm that ends within the chunk counts; afterwards the failures are forgotten", () => {
    const tests = sourceTests();
    expect(run(tests, [blocks(400, 9)]).failed).toMatchObject({ alarm: { test: "longest run" } });
    expect(tests.fips.report()).toMatchObject({ blocks: 400, windowBlocks: 0, failedBlocks: 0 });
    expect(tests.fips.failures.get("longest run")).toBe(9);
    expect(run(tests, [blocks(30, 8).subarray(64)])).not.toHaveProperty("failed");
  });
});

test("the continuous tests go before the others, since they may be sure", () => {
  const tests = sourceTests();
  const stuck = Buffer.alloc(64, 3);
  run(tests, [goodBytes(1, 64)]);
  run(tests, [stuck]);
  expect(run(tests, [stuck]).failed).toMatchObject({ alarm: { tier: "permanent" } });
});
