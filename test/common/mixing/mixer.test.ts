import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../common/errors.ts";
import { createMixer, type MixerOptions } from "../../../common/mixing/mixer.ts";
import { copiesDuring } from "../health/helpers/copies.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";

type Options = Partial<Omit<MixerOptions, "sources">> & { entropies?: readonly number[] };

/** Sources a, b, c …; the tests on the mixed stream are at their laxest. */
function mixerOf({ entropies = [8_000, 8_000, 8_000], ...options }: Options = {}) {
  const sources = entropies.map((minEntropyMillibitsPerByte, index) => ({
    name: "abcdefgh"[index]!,
    minEntropyMillibitsPerByte,
  }));
  return createMixer({ strategy: "Xor", minSources: 2, alphaExponent: 60, ...options, sources });
}

const next = seededBytes(1);

function piece(length: number, fetchedAt = 0) {
  return { data: next(length), fetchedAt };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

describe("Xor", () => {
  test("is as long as the fullest minSources allow; a slower source adds what it has", () => {
    const mixer = mixerOf();
    const [a, b, c] = [next(100), next(60), next(10)];
    const expected = b.map((byte, at) => byte ^ a[at]! ^ (c[at] ?? 0));
    mixer.add("a", { data: a, fetchedAt: 7 });
    mixer.add("b", { data: b, fetchedAt: 5 });
    mixer.add("c", { data: c, fetchedAt: 6 });
    expect(mixer.mix(1_000)).toEqual({
      mixed: { data: Buffer.from(expected), fetchedAt: 5, sources: 0b111 },
    });
    expect(["a", "b", "c"].map((name) => mixer.heldBytes(name))).toEqual([40, 0, 0]);
    mixer.add("c", piece(40, 8));
    expect(mixer.mix(1_000)).toMatchObject({ mixed: { fetchedAt: 7, sources: 0b101 } });
  });

  test("claims the best of the minSources worst", () => {
    const claims = [1, 2, 3].map(
      (minSources) =>
        mixerOf({ minSources, entropies: [7_900, 4_000, 6_000] }).minEntropyMillibitsPerByte,
    );
    expect(claims).toEqual([4_000, 6_000, 7_900]);
  });
});

describe("Hash", () => {
  test.each([
    [8_000, 72],
    [7_900, 73],
    [7_500, 77],
    [7_000, 83],
    [6_000, 96],
    [4_000, 144],
    [1_000, 576],
  ])("with %d millibits every block takes %d bytes", (entropy, needed) => {
    const mixer = mixerOf({ strategy: "Hash", entropies: [entropy, 8_000] });
    mixer.add("a", piece(needed - 1));
    mixer.add("b", piece(1_000));
    expect(mixer.mix(1_000)).toBeUndefined();
    mixer.add("a", piece(1));
    expect(mixer.mix(1_000)).toMatchObject({ mixed: { sources: 0b11 } });
    expect([mixer.heldBytes("a"), mixer.heldBytes("b")]).toEqual([0, 1_000 - 72]);
    expect(mixer.minEntropyMillibitsPerByte).toBe(8_000);
  });

  test("no copy of an input is left", () => {
    const mixer = mixerOf({ strategy: "Hash" });
    for (const name of ["a", "b", "c"]) mixer.add(name, piece(200));
    let output: ArrayBufferLike | undefined;
    const copies = copiesDuring(() => {
      const result = mixer.mix(128);
      if (result !== undefined && "mixed" in result) output = result.mixed.data.buffer;
    });
    const inputs = copies.filter(({ buffer }) => buffer !== output);
    expect(inputs.length).toBeGreaterThan(0);
    expect(inputs.every(isZero)).toBe(true);
  });
});

describe("None", () => {
  test("takes a piece of each source in turn, and passes over one that has none", () => {
    const mixer = mixerOf({ strategy: "None" });
    const pieces = ["a", "a", "b", "c", "a"].map((name, at) => ({ name, ...piece(20, at) }));
    for (const { name, ...each } of pieces) mixer.add(name, each);
    const order = [0, 2, 3, 1, 4];
    for (const at of order) {
      const { name, data, fetchedAt } = pieces[at]!;
      const mixed = { data, fetchedAt, sources: mixer.bitOf(name) };
      expect(mixer.mix(100)).toEqual({ mixed });
    }
    expect(mixer.mix(100)).toBeUndefined();
  });

  test("goes on with any single source; a piece may go in parts, without a copy", () => {
    const mixer = mixerOf({ strategy: "None" });
    const b = piece(20);
    mixer.add("b", b);
    const result = mixer.mix(15);
    if (result === undefined || !("mixed" in result)) throw new Error("no mix");
    expect(result.mixed.data).toEqual(b.data.subarray(0, 15));
    expect(result.mixed.data.buffer).toBe(b.data.buffer);
    expect(mixer.mix(15)).toMatchObject({ mixed: { data: b.data.subarray(15) } });
    expect(mixer.mix(15)).toBeUndefined();
  });

  test("claims the least", () => {
    const mixer = mixerOf({ strategy: "None", entropies: [7_900, 4_000, 6_000] });
    expect(mixer.minEntropyMillibitsPerByte).toBe(4_000);
  });
});

describe("the mixed stream's own tests", () => {
  test("sources that cancel each other out are told from one that took no part", () => {
    const mixer = mixerOf();
    const same = next(200);
    const inputs = [same, Buffer.from(same)];
    ["a", "c"].forEach((name, at) => mixer.add(name, { data: inputs[at]!, fetchedAt: 0 }));
    expect(mixer.mix(100)).toEqual({
      alarm: { test: "repetition count", tier: "permanent" },
      sources: 0b101,
      discardedBytes: 100,
    });
    expect(inputs.every((input) => isZero(input.subarray(0, 100)))).toBe(true);
    expect([mixer.discard("a"), mixer.discard("c")]).toEqual([100, 100]);
    expect(inputs.every(isZero)).toBe(true);
    mixer.add("a", piece(100));
    mixer.add("b", piece(100));
    expect(mixer.mix(100)).toHaveProperty("mixed");
  });

  /** By turns: each piece in one mix. */
  function mixEach(pieces: readonly (readonly [name: string, data: Buffer])[]) {
    const mixer = mixerOf({ strategy: "None", minSources: 1 });
    return pieces.map(([name, data]) => {
      mixer.add(name, { data, fetchedAt: 0 });
      return mixer.mix(2_000);
    });
  }
  const stuck = (length: number) => Buffer.alloc(length, 1);

  test.each([
    [
      "a run that goes on through several mixes",
      0b110,
      [
        ["a", 511],
        ["b", 9, 8],
        ["c", 8, 0],
      ],
    ],
    [
      "a window that began in another mix",
      0b011,
      [
        ["a", 512],
        ["a", 100],
        ["b", 40, 0],
      ],
    ],
    [
      "a window of this mix alone",
      0b010,
      [
        ["a", 100],
        ["b", 1_500, 1_480],
      ],
    ],
    [
      "after a window has ended with the mix",
      0b010,
      [
        ["a", 512],
        ["b", 40, 0],
      ],
    ],
  ] as const)("%s blames who took part in it", (_, sources, steps) => {
    const results = mixEach(
      steps.map(([name, length, stuckFrom = length]) => {
        const data = next(length);
        return [name, Buffer.concat([data.subarray(0, stuckFrom), stuck(length - stuckFrom)])];
      }),
    );
    expect(results.slice(0, -1).every((result) => "mixed" in (result ?? {}))).toBe(true);
    expect(results.at(-1)).toMatchObject({ sources });
  });

  test("go on from mix to mix, by the claimed min-entropy", () => {
    const mixer = mixerOf({
      strategy: "None",
      entropies: [4_000],
      minSources: 1,
      alphaExponent: 20,
    });
    mixer.add("a", { data: Buffer.alloc(5, 1), fetchedAt: 0 });
    expect(mixer.mix(3)).toHaveProperty("mixed");
    expect(mixer.mix(3)).toHaveProperty("mixed");
    const last = Buffer.alloc(4, 1);
    mixer.add("a", { data: last, fetchedAt: 0 });
    expect(mixer.mix(3)).toEqual({
      alarm: { test: "repetition count", tier: "intermittent" },
      sources: 1,
      discardedBytes: 3,
    });
    expect(isZero(last.subarray(0, 3))).toBe(true);
    mixer.discard("a");
    mixer.add("a", { data: Buffer.alloc(5, 1), fetchedAt: 0 });
    expect(mixer.mix(5)).toHaveProperty("mixed"); // begun anew
  });
});

test.each([0, 4, 1.5])("minSources %d of 3 is refused", (minSources) => {
  expect(() => mixerOf({ minSources })).toThrow(ConfigError);
});

test("a source that was not named at the start is refused", () => {
  expect(() => mixerOf().add("d", piece(1))).toThrow(RangeError);
});
