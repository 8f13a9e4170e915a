import { ConfigError } from "../errors.ts";
import type { AlarmTier, ContinuousTest } from "../health/alarms.ts";
import { ContinuousTests } from "../health/continuousTests.ts";
import { tierCutoffs, windowSamples } from "../health/cutoffs.ts";
import { type Piece, PieceQueue } from "../pieces.ts";
import {
  hashStrategy,
  type Input,
  type Mixed,
  RoundRobin,
  type Strategy,
  xorStrategy,
} from "./strategies.ts";

export const mixingStrategies = ["None", "Xor", "Hash"] as const;
export type MixingStrategy = (typeof mixingStrategies)[number];

export interface MixerOptions {
  readonly strategy: MixingStrategy;
  /** Sources that every byte of Xor and Hash comes from; None takes one. */
  readonly minSources: number;
  /** 31 at most. */
  readonly sources: readonly {
    readonly name: string;
    /** H, the min-entropy of a byte in 1/1000 bit, 1000 … 8000. */
    readonly minEntropyMillibitsPerByte: number;
  }[];
  /** e of the tests on the mixed stream, 20 … 60. */
  readonly alphaExponent: number;
}

export type MixResult =
  | { readonly mixed: Mixed }
  | {
      /** Of the mixed stream: several sources are broken in the same way, or the mixing is. */
      readonly alarm: { readonly test: ContinuousTest; readonly tier: AlarmTier };
      /** Mask of the sources that took part in the window that failed. */
      readonly sources: number;
      /** Bytes of this mix, which were zeroed. */
      readonly discardedBytes: number;
    };

/**
 * Tested bytes of many sources on their way into one stream, each used once. There are never fewer
 * sources in a byte than asked for: then the mix waits. A source in quarantine has nothing here. All
 * bytes are owned, and zeroed once used.
 */
export class Mixer {
  readonly #strategy: Strategy;
  readonly #lanes: readonly Input[];
  /**
   * The mixed stream has no hold-back of its own: each source's bytes have been through one, and
   * sources that cancel each other out do so from the first byte on.
   */
  readonly #tests: ContinuousTests;
  /** Mask of the sources of bytes that are still under test: those of the window under way. */
  #underTest = 0;

  constructor(strategy: Strategy, { sources, alphaExponent }: MixerOptions) {
    this.#strategy = strategy;
    this.#lanes = sources.map((source, index) => ({
      ...source,
      bit: 1 << index,
      queue: new PieceQueue(),
    }));
    this.#tests = new ContinuousTests(
      tierCutoffs(strategy.minEntropyMillibitsPerByte, alphaExponent),
    );
  }

  /** H of what comes out, in 1/1000 bit. */
  get minEntropyMillibitsPerByte(): number {
    return this.#strategy.minEntropyMillibitsPerByte;
  }

  /** How many sources it takes for anything to come out. */
  get minSources(): number {
    return this.#strategy.minSources;
  }

  /** The bit of a source in `Mixed.sources`. */
  bitOf(source: string): number {
    return this.#lane(source).bit;
  }

  add(source: string, piece: Piece): void {
    this.#lane(source).queue.push(piece);
  }

  heldBytes(source: string): number {
    return this.#lane(source).queue.bytes;
  }

  /**
   * Zeroes what is held of a source and was fetched until then, all when left out.
   * @returns how many bytes that was
   */
  discard(source: string, fetchedUntil?: number): number {
    return this.#lane(source).queue.clear(fetchedUntil);
  }

  /** How many bytes `mix` would give now, if it may give any number. */
  readyBytes(): number {
    return this.#strategy.readyBytes(this.#lanes);
  }

  /**
   * What can be mixed now, up to `maxBytes` (for Hash whole blocks of 64); undefined while too few
   * sources have bytes. After an alarm the tests have begun anew; what else is held of the sources
   * that it blames is for the caller to discard.
   */
  mix(maxBytes: number): MixResult | undefined {
    const mixed = this.#strategy.mix(this.#lanes, maxBytes);
    if (mixed === undefined) return undefined;
    const begin = this.#tests.examinedBytes;
    const alarm = this.#tests.examine(mixed.data);
    if (alarm === undefined) {
      const { clearBytes, examinedBytes } = this.#tests;
      if (clearBytes >= begin) this.#underTest = 0;
      if (clearBytes < examinedBytes) this.#underTest |= mixed.sources;
      return { mixed };
    }
    const sources = this.#underTest | mixed.sources;
    mixed.data.fill(0);
    this.#tests.restart();
    this.#underTest = 0;
    const { test, tier, at } = alarm;
    return {
      alarm: { test, tier },
      // Past a window's length nothing counts that came before.
      sources: at > windowSamples ? mixed.sources : sources,
      discardedBytes: mixed.data.length,
    };
  }

  #lane(source: string): Input {
    const lane = this.#lanes.find(({ name }) => name === source);
    if (lane === undefined) throw new RangeError("no such source");
    return lane;
  }
}

/** @throws ConfigError when `minSources` is not 1 … the number of sources */
export function createMixer(options: MixerOptions): Mixer {
  const { strategy, minSources, sources } = options;
  if (!Number.isInteger(minSources) || minSources < 1 || minSources > sources.length) {
    throw new ConfigError(
      `mixing asks for ${minSources} sources of ${sources.length}; ask for 1 to ${sources.length}`,
    );
  }
  const entropies = sources.map((source) => source.minEntropyMillibitsPerByte);
  const strategies = {
    None: () => new RoundRobin(entropies),
    Xor: () => xorStrategy(minSources, entropies),
    Hash: () => hashStrategy(minSources),
  };
  return new Mixer(strategies[strategy](), options);
}
