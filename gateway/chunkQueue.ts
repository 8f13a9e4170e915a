/** Bytes that came at once, and what is known of all of them. */
export interface Chunk {
  readonly data: Buffer;
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Bit mask of the sources that it came from; 0 where a collector knows them. */
  readonly sources: number;
}

/** First in, first out, byte by byte: the oldest chunk may be left in part. */
export class ChunkQueue {
  #chunks: Chunk[] = [];
  /** Chunks before it were used up; compacted now and then. */
  #head = 0;
  /** Bytes of the oldest chunk that are gone. */
  #used = 0;
  #bytes = 0;
  /** No chunk expires before it. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  get bytes(): number {
    return this.#bytes;
  }

  /** Chunks. */
  get length(): number {
    return this.#chunks.length - this.#head;
  }

  get nextExpiry(): number {
    return this.#nextExpiry;
  }

  /** What is left of the oldest chunk. */
  get oldestBytes(): number {
    return (this.first()?.data.length ?? 0) - this.#used;
  }

  first(): Chunk | undefined {
    return this.#chunks[this.#head];
  }

  last(): Chunk | undefined {
    return this.length === 0 ? undefined : this.#chunks.at(-1);
  }

  push(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.data.length;
    this.#nextExpiry = Math.min(this.#nextExpiry, chunk.expiresAt);
  }

  /** Removes exactly so many of the oldest bytes, which are there, as views of their chunks. */
  remove(bytes: number): Buffer[] {
    const pieces: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const { data } = this.#chunks[this.#head]!;
      const piece = data.subarray(this.#used, this.#used + left);
      pieces.push(piece);
      left -= piece.length;
      this.#used += piece.length;
      if (this.#used === data.length) this.#next();
    }
    this.#bytes -= bytes;
    return pieces;
  }

  /**
   * Zeroes and drops every chunk that `isGone`.
   * @returns how many bytes that was
   */
  drop(isGone: (chunk: Chunk) => boolean): number {
    const chunks = this.#chunks.slice(this.#head);
    const [oldest] = chunks;
    if (oldest !== undefined) chunks[0] = { ...oldest, data: oldest.data.subarray(this.#used) };
    const before = this.#bytes;
    this.#chunks = [];
    this.#head = 0;
    this.#used = 0;
    this.#bytes = 0;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const chunk of chunks) {
      if (isGone(chunk)) chunk.data.fill(0);
      else this.push(chunk);
    }
    return before - this.#bytes;
  }

  #next(): void {
    this.#used = 0;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }
}
