import { fipsBlockBytes, type FipsFigures, fipsWordBytes, measureFipsBlock } from "./fips.ts";

/**
 * Cuts a stream that comes in pieces of any size into blocks, and measures each. Bytes of a block
 * that is not whole yet are kept, and zeroed once it is measured; the pieces are left as they are.
 */
export class FipsBlocks {
  readonly #onBlock: (figures: FipsFigures) => void;
  readonly #partial = new Uint8Array(fipsBlockBytes);
  #partialBytes = 0;
  /** The last word of the block before: the continuous test goes on across blocks. */
  readonly #lastWord = new Uint8Array(fipsWordBytes);
  #hasLastWord = false;

  constructor(onBlock: (figures: FipsFigures) => void) {
    this.#onBlock = onBlock;
  }

  update(bytes: Uint8Array): void {
    let at = this.#partialBytes > 0 ? this.#keep(bytes) : 0;
    if (this.#partialBytes === fipsBlockBytes) {
      this.#measure(this.#partial);
      this.#partial.fill(0);
      this.#partialBytes = 0;
    }
    for (; at + fipsBlockBytes <= bytes.length; at += fipsBlockBytes) {
      this.#measure(bytes.subarray(at, at + fipsBlockBytes)); // the usual case: no copy
    }
    this.#keep(bytes.subarray(at));
  }

  /** Zeroes what it has kept of the stream; what comes next begins a new one. */
  close(): void {
    this.#partial.fill(0);
    this.#partialBytes = 0;
    this.#lastWord.fill(0);
    this.#hasLastWord = false;
  }

  /** Keeps as many of the bytes as still fit into the block; returns how many. */
  #keep(bytes: Uint8Array): number {
    const kept = bytes.subarray(0, fipsBlockBytes - this.#partialBytes);
    this.#partial.set(kept, this.#partialBytes);
    this.#partialBytes += kept.length;
    return kept.length;
  }

  #measure(block: Uint8Array): void {
    const figures = measureFipsBlock(block, this.#hasLastWord ? this.#lastWord : undefined);
    this.#lastWord.set(block.subarray(-fipsWordBytes));
    this.#hasLastWord = true;
    this.#onBlock(figures);
  }
}
