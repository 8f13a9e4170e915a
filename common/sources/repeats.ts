import { createHash } from "node:crypto";

const digestBytes = 16;
const edgeBytes = 32;

/**
 * Whether a source gives again what it gave before: digests of the first and the last 32 bytes of
 * its latest chunks. Finds a cache that answers A, B, A, B as well as a stuck appliance.
 */
export class RepeatCheck {
  readonly #seen = new Set<string>();
  readonly #capacity: number;

  /** @param chunks how many of the latest chunks are remembered */
  constructor(chunks = 4096) {
    this.#capacity = chunks * 2;
  }

  /** Remembers the chunk (64 bytes or more); true when one of its edges was seen before. */
  isRepeat(chunk: Buffer): boolean {
    const edges = [chunk.subarray(0, edgeBytes), chunk.subarray(-edgeBytes)];
    return edges.map((edge) => this.#seenBefore(edge)).includes(true);
  }

  #seenBefore(edge: Buffer): boolean {
    const digest = createHash("sha256").update(edge).digest().toString("latin1", 0, digestBytes);
    if (this.#seen.has(digest)) return true;
    this.#seen.add(digest);
    if (this.#seen.size > this.#capacity) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return false;
  }
}
