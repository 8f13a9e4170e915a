import { expect, test } from "vitest";
import { Independence } from "../../../common/health/independence.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";

const mebibyte = 2 ** 20;
const next = seededBytes(1);

function sources() {
  const independence = new Independence(["a", "b", "c"]);
  return {
    a: independence.checkFor("a"),
    b: independence.checkFor("b"),
    c: independence.checkFor("c"),
  };
}

test("a block of another source is found, at any block of both chunks", () => {
  const block = next(32);
  for (const [before, after] of [
    [0, 0],
    [0, 320],
    [64, 96],
  ] as const) {
    const { a, b, c } = sources();
    expect(c(next(1_000))).toBeUndefined();
    expect(a(Buffer.concat([next(before), block, next(50)]))).toBeUndefined();
    expect(b(Buffer.concat([next(after), block, next(7)]))).toBe("a");
  }
});

test("chunks at any place in memory", () => {
  const { a, b } = sources();
  const chunk = next(64);
  expect(a(chunk)).toBeUndefined();
  expect(b(Buffer.concat([next(3), chunk]).subarray(3))).toBe("a");
});

test("a source's own blocks are not looked for: it may repeat itself", () => {
  const { a, b } = sources();
  const chunk = next(640);
  expect(a(chunk)).toBeUndefined();
  expect(a(chunk)).toBeUndefined();
  expect(b(chunk)).toBe("a");
  expect(b(chunk)).toBe("a"); // its own now as well
});

test("a block that differs in a single bit is another one", () => {
  const { a, b } = sources();
  const block = next(32);
  a(block);
  for (let bit = 0; bit < 256; bit++) {
    const other = Buffer.from(block);
    other[bit >> 3]! ^= 1 << (bit & 7);
    expect(b(other)).toBeUndefined();
  }
});

test("less than a block is not looked at", () => {
  const { a, b } = sources();
  const bytes = next(31);
  a(bytes);
  expect(b(bytes)).toBeUndefined();
  a(Buffer.alloc(0));
});

test("good sources share nothing", () => {
  const { a, b, c } = sources();
  for (let round = 0; round < 8; round++) {
    for (const check of [a, b, c]) expect(check(next(mebibyte))).toBeUndefined();
  }
});

test("knows most blocks of 2 MiB ago, less than half of 4 MiB ago, and none of long ago", () => {
  const { a, b } = sources();
  const count = 4_096;
  const ages = [next(32 * count), next(32 * count), next(32 * count)];
  for (const [chunk, mebibytes] of [
    [ages[0]!, 32],
    [ages[1]!, 2],
    [ages[2]!, 2],
  ] as const) {
    a(chunk);
    for (let round = 0; round < mebibytes; round++) a(next(mebibyte));
  }
  const known = ages.map((chunk) => {
    const blocks = Array.from({ length: count }, (_, at) => chunk.subarray(32 * at, 32 * (at + 1)));
    return blocks.filter((block) => b(block) === "a").length / count;
  });
  expect(known[0]).toBe(0);
  // A block is known while fewer than 8 newer ones fell into its set: Poisson with the mean number of
  // newer blocks per set, 8.375 and 4.125 with the chunks themselves. Keys are drawn anew in each run,
  // so the bounds are six standard deviations.
  expect(Math.abs(known[1]! - 0.402)).toBeLessThan(0.055);
  expect(Math.abs(known[2]! - 0.941)).toBeLessThan(0.026);
});

test("a fast source does not push out a slow one's blocks", () => {
  const { a, b } = sources();
  const block = next(32);
  a(block);
  for (let round = 0; round < 32; round++) b(next(mebibyte));
  expect(b(block)).toBe("a");
});

test("a source that was not named at the start is refused", () => {
  expect(() => new Independence(["a"]).checkFor("b")).toThrow(RangeError);
});
