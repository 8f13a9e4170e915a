import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMixer, type Mixer } from "../../../common/mixing/mixer.ts";
import type { Mixed } from "../../../common/mixing/strategies.ts";
import { seededBytes } from "../../helpers/seededBytes.ts";

/**
 * Any history of Xor and Hash, with a record of every byte that a source gave: which bytes a mix
 * used is seen from what the mixer holds afterwards, and all else is computed from these.
 */
const names = ["a", "b", "c", "d"] as const;

const setup = fc.record({
  strategy: fc.constantFrom("Xor" as const, "Hash" as const),
  minSources: fc.integer({ min: 1, max: 4 }),
  entropies: fc.tuple(...names.map(() => fc.constantFrom(8_000, 7_900, 6_001, 4_000, 1_000))),
  seed: fc.nat(),
});
type Setup = typeof setup extends fc.Arbitrary<infer Value> ? Value : never;

const source = fc.nat(names.length - 1);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("add" as const), source, size: fc.nat(700) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("mix" as const), maxBytes: fc.nat(600) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("discard" as const), source }) },
);

interface Recorded {
  readonly byte: number;
  readonly fetchedAt: number;
}

class Source {
  readonly name: string;
  /** Bytes that each unit of output takes of it: I3 asks for 576 bits for 512 of a hash. */
  readonly unitBytes: number;
  /** What it gave and was neither mixed nor discarded. */
  waiting: Recorded[] = [];
  readonly given: Buffer[] = [];

  constructor(name: string, unitBytes: number) {
    this.name = name;
    this.unitBytes = unitBytes;
  }

  isReady(): boolean {
    return this.waiting.length >= this.unitBytes;
  }
}

class History {
  readonly #setup: Setup;
  readonly #mixer: Mixer;
  readonly #outputBytes: number;
  readonly #next: (count: number) => Buffer;
  readonly sources: readonly Source[];

  constructor(setup: Setup) {
    const { strategy, minSources, entropies } = setup;
    this.#setup = setup;
    this.#next = seededBytes(setup.seed);
    this.#outputBytes = strategy === "Xor" ? 1 : 64;
    this.sources = names.map(
      (name, at) => new Source(name, strategy === "Xor" ? 1 : Math.ceil(576_000 / entropies[at]!)),
    );
    this.#mixer = createMixer({
      strategy,
      minSources,
      sources: names.map((name, at) => ({ name, minEntropyMillibitsPerByte: entropies[at]! })),
      alphaExponent: 60, // an alarm of good bytes is out of the question
    });
  }

  add(source: Source, size: number, fetchedAt: number): void {
    const data = this.#next(size);
    source.given.push(data);
    source.waiting.push(...[...data].map((byte) => ({ byte, fetchedAt })));
    this.#mixer.add(source.name, { data, fetchedAt });
    expect(this.#mixer.heldBytes(source.name)).toBe(source.waiting.length);
  }

  discard(source: Source): void {
    expect(this.#mixer.discard(source.name)).toBe(source.waiting.length);
    source.waiting = [];
  }

  mix(maxBytes: number): void {
    const ready = this.sources.filter((each) => each.isReady());
    const isEnough = ready.length >= this.#setup.minSources;
    const readyBytes = this.#mixer.readyBytes();
    expect(readyBytes > 0).toBe(isEnough);
    const result = this.#mixer.mix(maxBytes);
    if (!isEnough || maxBytes < this.#outputBytes) {
      expect(result).toBeUndefined();
      return;
    }
    if (result === undefined || !("mixed" in result)) throw new Error("nothing was mixed");
    const whole = maxBytes - (maxBytes % this.#outputBytes);
    expect(result.mixed.data.length).toBe(Math.min(readyBytes, whole));
    this.#verify(result.mixed);
  }

  discardAll(): void {
    for (const source of this.sources) this.discard(source);
  }

  #verify({ data, fetchedAt, sources: mask }: Mixed): void {
    const used = this.sources.map(({ name, waiting }) =>
      waiting.splice(0, waiting.length - this.#mixer.heldBytes(name)),
    );
    const bits = used.map(({ length }, at) => (length > 0 ? 1 << at : 0));
    expect(mask).toBe(bits.reduce((all, bit) => all | bit));
    expect(used.every(({ length }, at) => length % this.sources[at]!.unitBytes === 0)).toBe(true);
    expect(fetchedAt).toBe(Math.min(...used.flat().map((recorded) => recorded.fetchedAt)));

    expect(data.length).toBeGreaterThan(0);
    const output: number[] = [];
    for (let unit = 0; unit * this.#outputBytes < data.length; unit++) {
      const parts = used
        .map((bytes, at) => {
          const { unitBytes } = this.sources[at]!;
          return bytes.splice(0, unitBytes).map(({ byte }) => byte);
        })
        .filter(({ length }) => length > 0);
      expect(parts.length).toBeGreaterThanOrEqual(this.#setup.minSources);
      output.push(...this.#combined(parts));
    }
    expect([...data]).toEqual(output);
    expect(used.flat()).toEqual([]);
  }

  #combined(parts: readonly number[][]): Iterable<number> {
    if (this.#setup.strategy === "Xor") return [parts.flat().reduce((all, byte) => all ^ byte)];
    return createHash("sha512").update(Uint8Array.from(parts.flat())).digest();
  }
}

test("each byte is used once, in order, with minSources others or more, and zeroed", () => {
  fc.assert(
    fc.property(setup, fc.array(step, { maxLength: 60 }), (setup, steps) => {
      const history = new History(setup);
      steps.forEach((step, time) => {
        if (step.kind === "mix") history.mix(step.maxBytes);
        else if (step.kind === "add") history.add(history.sources[step.source]!, step.size, time);
        else history.discard(history.sources[step.source]!);
      });
      for (const { given, waiting } of history.sources) {
        const all = Buffer.concat(given);
        const used = all.length - waiting.length;
        expect(all.subarray(0, used)).toEqual(Buffer.alloc(used));
        expect(all.subarray(used)).toEqual(Buffer.from(waiting.map(({ byte }) => byte)));
      }
      history.discardAll();
      const all = Buffer.concat(history.sources.flatMap(({ given }) => given));
      expect(all).toEqual(Buffer.alloc(all.length));
    }),
    { numRuns: 300 },
  );
});
