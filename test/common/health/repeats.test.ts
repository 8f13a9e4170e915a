import fc from "fast-check";
import { expect, test } from "vitest";
import { RepeatCheck } from "../../../common/health/repeats.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";

test("either edge of any of the latest 4,096 chunks is known, and no older one", () => {
  const next = seededBytes(1);
  const chunks = Array.from({ length: 4_097 }, () => next(64));
  const seen = (chunk: Buffer): boolean => {
    const check = new RepeatCheck();
    for (const each of chunks) expect(check.isRepeat(each)).toBe(false);
    return check.isRepeat(chunk);
  };
  expect(seen(chunks[0]!)).toBe(false);
  expect(seen(chunks[1]!)).toBe(true);
  expect(seen(Buffer.concat([next(100), chunks[1]!.subarray(32)]))).toBe(true);
  expect(seen(Buffer.concat([chunks[1]!.subarray(0, 32), next(100)]))).toBe(true);
  expect(seen(Buffer.concat([chunks[1]!.subarray(32), next(100)]))).toBe(true);
});

test("a chunk of any length is a repeat only of itself, and of 32 bytes at least", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(), (length, seed) => {
      const chunk = seededBytes(seed)(length);
      const check = new RepeatCheck();
      expect(check.isRepeat(chunk)).toBe(false);
      expect(check.isRepeat(Buffer.from(chunk))).toBe(length >= 32);
    }),
  );
});
