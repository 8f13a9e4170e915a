import { hash } from "node:crypto";

const digestBytes = 16;
const edgeBytes = 32;
/** Of the latest chunks. */
const rememberedDigests = 2 * 4_096;

/**
 * Whether a source gives again what it gave before: digests of the first and the last 32 bytes of
 * its latest 4,096 chunks. Finds a cache that answers A, B, A, B as well as a stuck appliance. An
 * edge that is shorter than 32 bytes is not looked at: two bytes come again by chance.
 */
export class RepeatCheck {
  /** In the order in which they came. */
  readonly #seen = new Set<string>();

  /** Remembers the chunk; true when one of its edges was seen before. The bytes are left alone. */
  isRepeat(chunk: Uint8Array): boolean {
    const edges =
      chunk.length > edgeBytes
        ? [chunk.subarray(0, edgeBytes), chunk.subarray(-edgeBytes)]
        : [chunk].filter(({ length }) => length === edgeBytes);
    return edges.map((edge) => this.#seenBefore(edge)).includes(true);
  }

  #seenBefore(edge: Uint8Array): boolean {
    const digest = hash("sha256", edge, "buffer").toString("latin1", 0, digestBytes);
    if (this.#seen.has(digest)) return true;
    this.#seen.add(digest);
    if (this.#seen.size > rememberedDigests) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return false;
  }
}
