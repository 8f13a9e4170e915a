/** Bytes on their way to a gateway, as they were fetched or as the data of one packet. */
export interface Batch {
  readonly data: Buffer;
  /** Monotonic milliseconds at which the oldest of its bytes were fetched. */
  readonly fetchedAt: number;
  /** The sources whose bytes are in it, a bit for each. */
  readonly sources: number;
}

/** Chunks as they were fetched, first in, first out. */
export class ChunkQueue {
  #chunks: Batch[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Not the first one's: chunks come in the order in which fetches end, not in which they began. */
  oldestFetchedAt(): number {
    return oldestOf(this.#chunks);
  }

  add(chunk: Batch): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.data.length;
  }

  /** Takes out the chunks that meet the condition. */
  remove(isGone: (chunk: Batch) => boolean): Batch[] {
    const gone = this.#chunks.filter(isGone);
    if (gone.length === 0) return gone;
    this.#chunks = this.#chunks.filter((chunk) => !isGone(chunk));
    for (const { data } of gone) this.#bytes -= data.length;
    return gone;
  }

  /** Moves up to so many bytes from the chunks into one batch; there must be some. */
  pack(most: number): Batch {
    const size = Math.min(most, this.#bytes);
    this.#bytes -= size;
    const first = this.#chunks[0];
    if (first?.data.length === size) {
      this.#chunks.shift();
      return first; // the usual case, a chunk as large as a packet: no copy
    }
    const data = Buffer.allocUnsafeSlow(size);
    let fetchedAt = Number.POSITIVE_INFINITY;
    let sources = 0;
    for (let at = 0; at < size;) {
      const chunk = this.#chunks[0]!;
      const part = chunk.data.subarray(0, size - at);
      part.copy(data, at);
      part.fill(0);
      at += part.length;
      fetchedAt = Math.min(fetchedAt, chunk.fetchedAt);
      sources |= chunk.sources;
      if (part.length === chunk.data.length) this.#chunks.shift();
      else this.#chunks[0] = { ...chunk, data: chunk.data.subarray(part.length) };
    }
    return { data, fetchedAt, sources };
  }
}

/** When the oldest byte of all was fetched; Infinity when there is none. */
export function oldestOf(held: readonly Batch[]): number {
  // Not Math.min(...): so many arguments as there may be chunks do not fit the stack.
  return held.reduce(
    (least, { fetchedAt }) => Math.min(least, fetchedAt),
    Number.POSITIVE_INFINITY,
  );
}
