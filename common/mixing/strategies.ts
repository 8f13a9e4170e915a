import { hashInputBytes, hashOutputBytes } from "../conditioning/conditioner.ts";
import type { Piece, PieceQueue } from "../pieces.ts";
import { combineByHash, combineByXor, type Share } from "./combine.ts";

/** Tested bytes of one source that wait to be mixed. */
export interface Input {
  readonly name: string;
  readonly minEntropyMillibitsPerByte: number;
  /** The source's own bit in masks. */
  readonly bit: number;
  readonly queue: PieceQueue;
}

export interface Mixed extends Piece {
  /** Mask of the sources that it came from. */
  readonly sources: number;
}

/** How bytes of several sources become one stream. */
export interface Strategy {
  /** How many sources it takes. */
  readonly minSources: number;
  /** H of what comes out, in 1/1000 bit: true whichever of the sources take part. */
  readonly minEntropyMillibitsPerByte: number;
  /** Whether the input has enough bytes to take part. */
  isReady(input: Input): boolean;
  /** How many bytes `mix` would give for the same inputs, if it may give any number. */
  readyBytes(inputs: readonly Input[]): number;
  /** Uses bytes up, each once. The inputs come in their fixed order. */
  mix(inputs: readonly Input[], maxBytes: number): Mixed | undefined;
}

/** One source after the other, piece by piece without a copy; one that has nothing is passed over. */
export class RoundRobin implements Strategy {
  readonly minSources = 1;
  readonly minEntropyMillibitsPerByte: number;
  #latestBit = 0;

  constructor(entropies: readonly number[]) {
    this.minEntropyMillibitsPerByte = Math.min(...entropies);
  }

  isReady({ queue }: Input): boolean {
    return queue.bytes > 0;
  }

  readyBytes(inputs: readonly Input[]): number {
    return this.#next(inputs)?.queue.firstBytes ?? 0;
  }

  mix(inputs: readonly Input[], maxBytes: number): Mixed | undefined {
    const next = this.#next(inputs);
    const piece = next?.queue.takePiece(maxBytes);
    if (next === undefined || piece === undefined) return undefined;
    this.#latestBit = next.bit;
    return { ...piece, sources: next.bit };
  }

  #next(inputs: readonly Input[]): Input | undefined {
    const ready = inputs.filter((input) => this.isReady(input));
    return ready.find(({ bit }) => bit > this.#latestBit) ?? ready[0];
  }
}

interface Combination {
  readonly outputBytes: number;
  inputBytes(input: Pick<Input, "minEntropyMillibitsPerByte">): number;
  combine(shares: readonly Share[], output: Buffer): void;
}

/**
 * Output in units, each from `minSources` sources or more. It is as long as the `minSources` fullest
 * inputs allow, so that a slow source holds up nobody while there are enough others; the slow one
 * adds what it has to the first units. No spare source is left out: where one of those that are
 * asked for is worse than it seems, the spare makes up for it.
 */
class Combined implements Strategy {
  readonly minSources: number;
  readonly minEntropyMillibitsPerByte: number;
  readonly #combination: Combination;

  constructor(minSources: number, minEntropy: number, combination: Combination) {
    this.minSources = minSources;
    this.minEntropyMillibitsPerByte = minEntropy;
    this.#combination = combination;
  }

  isReady(input: Input): boolean {
    return this.#unitsOf(input) > 0;
  }

  readyBytes(inputs: readonly Input[]): number {
    const fullestFirst = inputs.map((input) => this.#unitsOf(input)).sort((a, b) => b - a);
    return (fullestFirst[this.minSources - 1] ?? 0) * this.#combination.outputBytes;
  }

  mix(inputs: readonly Input[], maxBytes: number): Mixed | undefined {
    const { outputBytes, combine } = this.#combination;
    const units = Math.floor(Math.min(maxBytes, this.readyBytes(inputs)) / outputBytes);
    if (units < 1) return undefined;
    const contributors = inputs.filter((input) => this.isReady(input));
    const shares = contributors.map((input) => this.#share(input, units));
    const data = Buffer.alloc(units * outputBytes);
    combine(shares, data);
    for (const share of shares) share.data.fill(0);
    return {
      data,
      fetchedAt: Math.min(...shares.map(({ fetchedAt }) => fetchedAt)),
      sources: contributors.reduce((mask, { bit }) => mask | bit, 0),
    };
  }

  #unitsOf(input: Input): number {
    return Math.floor(input.queue.bytes / this.#combination.inputBytes(input));
  }

  #share(input: Input, units: number): Share & Piece {
    const unitBytes = this.#combination.inputBytes(input);
    const bytes = Math.min(units, this.#unitsOf(input)) * unitBytes;
    return { ...joined(input.queue.take(bytes)), unitBytes };
  }
}

/**
 * The exclusive or has the min-entropy of the best source that took part, never the sum. The worst
 * case is the `minSources` worst sources: it claims the best of these.
 */
export function xorStrategy(minSources: number, entropies: readonly number[]): Strategy {
  const claimed = entropies.toSorted((a, b) => a - b)[minSources - 1]!;
  return new Combined(minSources, claimed, {
    outputBytes: 1,
    inputBytes: () => 1,
    combine: combineByXor,
  });
}

/**
 * Every source gives enough for full entropy (SP 800-90C: 64 bits more than the output has), so that
 * one good source is enough.
 */
export function hashStrategy(minSources: number): Strategy {
  return new Combined(minSources, 8_000, {
    outputBytes: hashOutputBytes,
    inputBytes: ({ minEntropyMillibitsPerByte }) => hashInputBytes(minEntropyMillibitsPerByte),
    combine: combineByHash,
  });
}

/** One piece of all, as old as the oldest; pieces that had to be copied are zeroed. */
function joined(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const data = Buffer.concat(pieces.map((piece) => piece.data));
  for (const piece of pieces) piece.data.fill(0);
  return { data, fetchedAt: Math.min(...pieces.map(({ fetchedAt }) => fetchedAt)) };
}
