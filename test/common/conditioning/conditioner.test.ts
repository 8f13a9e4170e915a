import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  conditioningTypes,
  createConditioner,
  hashInputBytes,
} from "../../../common/conditioning/conditioner.ts";
import { ConfigError } from "../../../common/errors.ts";
import { copiedDuring, copiesDuring } from "../health/helpers/copies.ts";

const entropies = [1_000, 4_000, 6_000, 7_000, 7_500, 7_900, 8_000];

/** Bytes that tell where in the stream they are. */
function numbered(from: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (from + at) % 251));
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

test.each(conditioningTypes)("%s says what it is", (type) => {
  expect(createConditioner({ type, minEntropyMillibitsPerByte: 8_000 }).type).toBe(type);
});

describe("None", () => {
  test("gives back what it gets", () => {
    const conditioner = createConditioner({ type: "None" });
    const data = numbered(0, 100);
    expect(conditioner.outputBytes(100)).toBe(100);
    expect(conditioner.condition(data)).toBe(data);
    expect([...data]).toEqual([...numbered(0, 100)]);
    expect([conditioner.carriedBytes(), conditioner.discardCarried()]).toEqual([0, 0]);
    conditioner.close();
  });
});

describe("Hash", () => {
  const create = (h: number) => createConditioner({ type: "Hash", minEntropyMillibitsPerByte: h });

  // entropy.md
  test.each([
    [8_000, 72],
    [7_900, 73],
    [7_500, 77],
    [7_000, 83],
    [6_000, 96],
    [4_000, 144],
    [1_000, 576],
  ])("H = %d takes %d bytes for 64", (h, bytes) => {
    expect(hashInputBytes(h)).toBe(bytes);
    expect(create(h).outputBytes(bytes)).toBe(64);
    expect(create(h).outputBytes(bytes - 1)).toBe(0);
  });

  // Python 3.11, hashlib
  test("is SHA-512 of exactly those bytes", () => {
    const input = Buffer.from(Array.from({ length: 150 }, (_, at) => at));
    expect(create(7_900).condition(input).toString("hex")).toBe(
      "dfe9d2a6b0ad5da802d695b3b91745852c97b0283d9a033f04d79d2cad4fde50" +
        "048ac7d82bcf8c402b109e785d39fc9fa0203f7cfc620ee43577688bcf3e69bf" +
        "8dbd05836f43e9a472785c203c9422dfcadac7ebdbb775fe8a2cb25f070ad114" +
        "1f7b4e2fd0ff4919b509c0fd0abe933e170afeb54bc9346c82969683c87d847e",
    );
  });

  test.each(entropies)("H = %d: entropy is never stretched, however the bytes come", (h) => {
    const anySizes = fc.array(fc.oneof(fc.nat(5), fc.nat(80), fc.nat(2_000)), { maxLength: 30 });
    const blockBytes = hashInputBytes(h);
    fc.assert(
      fc.property(anySizes, (sizes) => {
        const conditioner = create(h);
        let taken = 0;
        const outputs: Buffer[] = [];
        for (const size of sizes) {
          const data = numbered(taken, size);
          const promised = conditioner.outputBytes(size);
          const output = conditioner.condition(data);
          taken += size;
          outputs.push(output);
          expect(output.length).toBe(promised);
          expect(isZero(data)).toBe(true);

          const given = outputs.reduce((sum, { length }) => sum + length, 0);
          const blocks = given / 64;
          // in integers: out · 8 ≤ in · H / 1000 − 64 per block
          expect(given * 8_000).toBeLessThanOrEqual(taken * h - 64_000 * blocks);
          expect(conditioner.carriedBytes()).toBe(taken - blocks * blockBytes);
          expect(conditioner.carriedBytes()).toBeLessThan(blockBytes);
        }
        // every byte went into one hash, in order
        const stream = numbered(0, taken);
        const wanted = Array.from({ length: Math.floor(taken / blockBytes) }, (_, block) =>
          createHash("sha512")
            .update(stream.subarray(block * blockBytes, (block + 1) * blockBytes))
            .digest(),
        );
        expect(Buffer.concat(outputs).equals(Buffer.concat(wanted))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("takes no byte less than its min-entropy needs", () => {
    for (let h = 1_000; h <= 8_000; h++) {
      const bytes = hashInputBytes(h);
      expect(bytes * h >= 576_000 && (bytes - 1) * h < 576_000).toBe(true);
    }
  });

  test.each([undefined, 0, 999, 8_001, 7_900.5, Number.NaN, Infinity, -8_000])(
    "H = %s is refused",
    (h) => {
      expect(() => createConditioner({ type: "Hash", minEntropyMillibitsPerByte: h })).toThrow(
        ConfigError,
      );
    },
  );

  test("zeroes what it carries over when it is used", () => {
    const conditioner = create(8_000);
    const kept = copiesDuring(() => conditioner.condition(numbered(1, 71)));
    expect(kept.some((memory) => !isZero(memory))).toBe(true);
    expect(conditioner.condition(numbered(72, 1)).length).toBe(64);
    expect(kept.every(isZero)).toBe(true);
  });

  test("zeroes what it carries over when it has expired, and never uses it again", () => {
    const conditioner = create(8_000);
    const kept = copiesDuring(() => conditioner.condition(numbered(1, 71)));
    expect(conditioner.discardCarried()).toBe(71);
    expect(kept.every(isZero)).toBe(true);
    expect(conditioner.carriedBytes()).toBe(0);
    const fresh = createHash("sha512").update(numbered(5, 72)).digest();
    expect(conditioner.condition(numbered(5, 72)).equals(fresh)).toBe(true);
  });

  test("zeroes what it carries over at the end", () => {
    const conditioner = create(1_000);
    const kept = copiesDuring(() => conditioner.condition(numbered(1, 575)));
    conditioner.close();
    expect(kept.length > 0 && kept.every(isZero)).toBe(true);
    expect(conditioner.carriedBytes()).toBe(0);
  });

  test("leaves no digest behind but its output", () => {
    const conditioner = create(8_000);
    let output: Buffer = Buffer.alloc(0);
    const copied = copiedDuring(() => (output = conditioner.condition(numbered(1, 150))));
    expect(isZero(output.subarray(0, 64)) || isZero(output.subarray(64))).toBe(false);
    expect(output.buffer.byteLength).toBe(128); // no pool that outlives it
    expect(copied.map(({ length }) => length)).toEqual([64, 64, 6]);
    expect(copied.every(isZero)).toBe(true);
  });
});

describe("XorSystem", () => {
  test("is the source ⊕ the system's bytes, in place", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.nat(200_000)), { maxLength: 4 }), (sizes) => {
        let drawn = 0;
        const lent: Uint8Array[] = [];
        const conditioner = createConditioner({
          type: "XorSystem",
          fillFromSystem: (bytes) => {
            lent.push(bytes);
            for (let at = 0; at < bytes.length; at++) bytes[at] = (drawn++ * 7 + 1) & 255;
          },
        });
        let taken = 0;
        for (const size of sizes) {
          const data = Buffer.alloc(size, 0xa5);
          expect(conditioner.outputBytes(size)).toBe(size);
          const output = conditioner.condition(data);
          expect(output).toBe(data);
          const wanted = Buffer.from(output).fill(0);
          for (let at = 0; at < size; at++) wanted[at] = 0xa5 ^ (((taken + at) * 7 + 1) & 255);
          expect(Buffer.compare(output, wanted)).toBe(0);
          taken += size;
        }
        expect(drawn).toBe(taken); // a fresh byte for each
        expect(lent.every(isZero)).toBe(true);
        expect(conditioner.carriedBytes()).toBe(0);
        conditioner.close();
      }),
      { numRuns: 25 },
    );
  });

  test("takes the real system's bytes by default", () => {
    const conditioner = createConditioner({ type: "XorSystem" });
    const first = conditioner.condition(Buffer.alloc(200_000));
    const second = conditioner.condition(Buffer.alloc(200_000));
    for (let at = 0; at < first.length; at += 64) {
      expect(isZero(first.subarray(at, at + 64))).toBe(false);
    }
    expect(first.equals(second)).toBe(false);
  });
});
