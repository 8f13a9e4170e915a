import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "../../gateway/limit/tokenBucket.ts";

const anyStep = fc.record({
  wait: fc.integer({ min: 0, max: 5_000 }),
  tokens: fc.integer({ min: 0, max: 60 }),
});

test("against a simple model, with time", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(anyStep, { maxLength: 100 }),
      (capacity, perSecond, steps) => {
        const bucket = new TokenBucket({ capacity, perSecond }, 0);
        // Thousandths of a token: whole numbers, so that the model cannot be off by rounding.
        let model = capacity * 1000;
        let now = 0;
        for (const { wait, tokens } of steps) {
          now += wait;
          model = Math.min(capacity * 1000, model + wait * perSecond);
          const missing = tokens * 1000 - model;
          const answer = bucket.take(tokens, now);
          if (tokens > capacity) expect(answer).toBe(Number.POSITIVE_INFINITY);
          else if (missing > 0) expect(answer).toBeCloseTo(missing / perSecond, 6);
          else {
            // A rounding of the last digit may refuse what the model just allows.
            expect(answer).toBeLessThan(1e-6);
            if (answer === 0) model -= tokens * 1000;
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("what is promised after the wait is there after the wait", () => {
  const bucket = new TokenBucket({ capacity: 10, perSecond: 4 }, 0);
  expect(bucket.take(10, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(250);
  expect(bucket.take(1, 250)).toBe(0);
});

test("a refused request costs nothing", () => {
  const bucket = new TokenBucket({ capacity: 5, perSecond: 1 }, 0);
  expect(bucket.take(4, 0)).toBe(0);
  expect(bucket.take(2, 0)).toBeGreaterThan(0);
  expect(bucket.take(1, 0)).toBe(0);
});

test("time that goes backwards gives no tokens twice", () => {
  const bucket = new TokenBucket({ capacity: 10, perSecond: 10 }, 1_000);
  expect(bucket.take(10, 1_000)).toBe(0);
  expect(bucket.take(1, 500)).toBeGreaterThan(0);
  expect(bucket.take(1, 1_050)).toBeGreaterThan(0);
  expect(bucket.take(1, 1_100)).toBe(0);
});
