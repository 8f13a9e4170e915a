import { hash, randomFillSync } from "node:crypto";
import { ConfigError } from "../errors.ts";

/**
 * What is done to verified bytes before they are buffered. `None`: nothing. `Hash`: SHA-512 over
 * fresh bytes that hold 64 bits more min-entropy than it gives out, which SP 800-90C takes for full
 * entropy out of a vetted function (SP 800-90B, table 1, lists SHA-512). `XorSystem`: source ⊕ the
 * system's generator, good if either is; it adds no entropy to what the source brought.
 */
export const conditioningTypes = ["None", "Hash", "XorSystem"] as const;
export type ConditioningType = (typeof conditioningTypes)[number];

export interface ConditionerOptions {
  readonly type: ConditioningType;
  /** H, the min-entropy of a source byte in 1/1000 bit, 1000 … 8000; Hash cannot do without. */
  readonly minEntropyMillibitsPerByte?: number | undefined;
  /** Fills with bytes of the system's generator; an argument for tests. */
  readonly fillFromSystem?: (bytes: Uint8Array) => void;
}

/** A stream of bytes in, one out; how it is cut into pieces does not matter. */
export interface Conditioner {
  readonly type: ConditioningType;
  /** How many bytes it conditions in a millisecond or two: more is for the caller to cut. */
  readonly sliceBytes: number;
  /**
   * Owns `data` from now on: zeroes it, or gives it back changed in place. Output may be empty, and
   * may hold bytes carried over: it is as old as the oldest of these and `data`. If it is not empty,
   * what is carried afterwards is of `data` alone.
   */
  condition(data: Buffer): Buffer;
  /** How many bytes `condition` would give out for so many now. */
  outputBytes(inputBytes: number): number;
  /** How many source bytes so many that `condition` gave out were made of, in whole blocks. */
  sourceBytes(outputBytes: number): number;
  /** Source bytes that wait for more. */
  carriedBytes(): number;
  /** Zeroes what is carried over, when it has expired; returns how many bytes that was. */
  discardCarried(): number;
  /** Zeroes what is carried over, at the end. */
  close(): void;
}

/** @throws ConfigError for Hash when H is unknown or out of its range */
export function createConditioner(options: ConditionerOptions): Conditioner {
  const { type, minEntropyMillibitsPerByte: h } = options;
  if (type === "Hash") return new HashConditioner(hashInputBytes(h));
  if (type === "None") return new NoConditioner();
  return new XorSystemConditioner(options.fillFromSystem ?? randomFillSync);
}

/** SHA-512's output. */
export const hashOutputBytes = 64;
/** The min-entropy of its input: the output's bits, and 64 more. */
const hashInputMillibits = (hashOutputBytes * 8 + 64) * 1_000;

/** Fresh bytes for each 64 out. */
export function hashInputBytes(minEntropyMillibitsPerByte: number | undefined): number {
  const h = minEntropyMillibitsPerByte ?? Number.NaN;
  if (!Number.isInteger(h) || h < 1_000 || h > 8_000) {
    throw new ConfigError(
      "Hash conditioning needs a min-entropy of 1000 to 8000 millibits per byte",
    );
  }
  return Math.ceil(hashInputMillibits / h);
}

class NoConditioner implements Conditioner {
  readonly type: ConditioningType = "None";
  readonly sliceBytes: number = Number.POSITIVE_INFINITY;

  condition(data: Buffer): Buffer {
    return data;
  }

  outputBytes(inputBytes: number): number {
    return inputBytes;
  }

  sourceBytes(outputBytes: number): number {
    return outputBytes;
  }

  carriedBytes(): number {
    return 0;
  }

  discardCarried(): number {
    return 0;
  }

  close(): void {
    // nothing is kept
  }
}

class XorSystemConditioner extends NoConditioner {
  override readonly type = "XorSystem";
  override readonly sliceBytes = 524_288;
  readonly #system = new Uint8Array(65_536);
  readonly #fill: (bytes: Uint8Array) => void;

  constructor(fill: (bytes: Uint8Array) => void) {
    super();
    this.#fill = fill;
  }

  override condition(data: Buffer): Buffer {
    for (let from = 0; from < data.length; from += this.#system.length) {
      const part = data.subarray(from, from + this.#system.length);
      const system = this.#system.subarray(0, part.length);
      this.#fill(system);
      for (let index = 0; index < part.length; index++) part[index]! ^= system[index]!;
      system.fill(0);
    }
    return data;
  }
}

/** Every input byte goes into exactly one hash; none is hashed before its block is whole. */
class HashConditioner implements Conditioner {
  readonly type = "Hash";
  readonly sliceBytes = 131_072;
  /** The beginning of a block that is not whole yet. */
  readonly #carried: Uint8Array;
  #carriedBytes = 0;

  constructor(blockBytes: number) {
    this.#carried = new Uint8Array(blockBytes);
  }

  condition(data: Buffer): Buffer {
    const blockBytes = this.#carried.length;
    const output = Buffer.alloc(this.outputBytes(data.length));
    let from = this.#carriedBytes > 0 ? this.#carry(data) : 0;
    for (let to = 0; to < output.length; to += hashOutputBytes) {
      if (this.#carriedBytes > 0) {
        hashInto(output, to, this.#carried);
        this.discardCarried();
      } else {
        hashInto(output, to, data.subarray(from, from + blockBytes));
        from += blockBytes;
      }
    }
    this.#carry(data.subarray(from));
    data.fill(0);
    return output;
  }

  outputBytes(inputBytes: number): number {
    const blocks = Math.floor((this.#carriedBytes + inputBytes) / this.#carried.length);
    return blocks * hashOutputBytes;
  }

  sourceBytes(outputBytes: number): number {
    return Math.floor(outputBytes / hashOutputBytes) * this.#carried.length;
  }

  carriedBytes(): number {
    return this.#carriedBytes;
  }

  discardCarried(): number {
    const discarded = this.#carriedBytes;
    this.#carried.fill(0);
    this.#carriedBytes = 0;
    return discarded;
  }

  close(): void {
    this.discardCarried();
  }

  /** Carries as many of the bytes as still fit into the block; returns how many. */
  #carry(data: Uint8Array): number {
    const part = data.subarray(0, this.#carried.length - this.#carriedBytes);
    this.#carried.set(part, this.#carriedBytes);
    this.#carriedBytes += part.length;
    return part.length;
  }
}

/** Writes SHA-512 of the input, 64 bytes. */
export function hashInto(output: Buffer, at: number, input: Uint8Array): void {
  const digest = hash("sha512", input, "buffer");
  output.set(digest, at);
  digest.fill(0);
}
