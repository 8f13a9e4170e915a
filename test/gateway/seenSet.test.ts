import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SeenSet, type Fate } from "../../gateway/push/seenSet.ts";

const signature = (name: number): Buffer => createHash("sha256").update(String(name)).digest();

test("against a Map, with eviction of the oldest stamp", () => {
  const anyEntry = fc.record({
    name: fc.integer({ min: 0, max: 60 }),
    stamp: fc.bigInt({ min: 0n, max: 40n }),
    fate: fc.constantFrom<Fate>("taken", "full"),
    forget: fc.option(fc.bigInt({ min: 0n, max: 40n }), { freq: 8 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(anyEntry, { maxLength: 200 }),
      (capacity, entries) => {
        const seen = new SeenSet(capacity);
        const model = new Map<number, { stamp: bigint; fate: Fate }>();
        for (const { name, stamp, fate, forget } of entries) {
          if (forget !== null) {
            seen.forgetUpTo(forget);
            for (const [key, entry] of model) if (entry.stamp <= forget) model.delete(key);
          }
          if (!model.has(name)) {
            const evicted = seen.add(signature(name), stamp, fate);
            const stamps = [...model.values()]
              .map((entry) => entry.stamp)
              .sort((a, b) => (a < b ? -1 : 1));
            if (model.size < capacity) expect(evicted).toBeUndefined();
            else {
              expect(evicted).toBe(stamps[0]);
              // Of several that are equally old any may go: the floor refuses them all.
              const gone = [...model].find(
                ([key, entry]) =>
                  entry.stamp === evicted && seen.fateOf(signature(key)) === undefined,
              );
              model.delete(gone![0]);
            }
            model.set(name, { stamp, fate });
          }
          expect(seen.size).toBe(model.size);
          for (let key = 0; key <= 60; key++) {
            expect(seen.fateOf(signature(key))).toBe(model.get(key)?.fate);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("signatures whose table positions are the same are told apart", () => {
  const seen = new SeenSet(8);
  const colliding = Array.from({ length: 8 }, (_, last) => {
    const bytes = Buffer.alloc(32, 1);
    bytes[31] = last;
    return bytes;
  });
  colliding.forEach((bytes, index) => seen.add(bytes, BigInt(index), index % 2 ? "full" : "taken"));
  seen.forgetUpTo(2n);
  expect(colliding.map((bytes) => seen.fateOf(bytes))).toEqual([
    undefined,
    undefined,
    undefined,
    "full",
    "taken",
    "full",
    "taken",
    "full",
  ]);
});
