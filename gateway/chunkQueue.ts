import { free } from "../common/memory.ts";

/** What is known of all bytes that came at once. */
export interface Origin {
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Bit mask of the sources that they came from; 0 where a collector knows them. */
  readonly sources: number;
}

/** Bytes that came at once. */
class Chunk {
  readonly data: Buffer;
  readonly origin: Origin;
  readonly #memory: Buffer | undefined;
  /** Bytes that are not released. */
  #held: number;

  /** @param memory that nothing else is in; it is given back with the last of the bytes */
  constructor(data: Buffer, origin: Origin, memory: Buffer | undefined) {
    this.data = data;
    this.origin = origin;
    this.#memory = memory;
    this.#held = data.length;
  }

  /** Zeroes a part; each byte is in one such part. */
  release(part: Buffer): void {
    this.#held -= part.length;
    if (this.#held === 0 && this.#memory !== undefined) free(this.#memory);
    else part.fill(0);
  }
}

/** Bytes that are in the queue no more. */
export class Removed {
  /** In the order in which they came. */
  readonly pieces: Buffer[] = [];
  readonly #chunks: Chunk[] = [];

  add(piece: Buffer, chunk: Chunk): void {
    this.pieces.push(piece);
    this.#chunks.push(chunk);
  }

  /** Zeroes them; to be called once, when nothing reads them any more. */
  release(): void {
    for (const [index, chunk] of this.#chunks.entries()) chunk.release(this.pieces[index]!);
  }
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
    return (this.#chunks[this.#head]?.data.length ?? 0) - this.#used;
  }

  /** Of the oldest chunk. */
  first(): Origin | undefined {
    return this.#chunks[this.#head]?.origin;
  }

  /** Of the newest chunk. */
  last(): Origin | undefined {
    return this.length === 0 ? undefined : this.#chunks.at(-1)?.origin;
  }

  /** @param memory all of the memory that the bytes are in, where nothing else is in it */
  push(data: Buffer, origin: Origin, memory?: Buffer): void {
    if (data.length > 0) this.#append(new Chunk(data, origin, memory), data.length);
  }

  /** Removes exactly so many of the oldest bytes, which are there. */
  remove(bytes: number): Removed {
    const removed = new Removed();
    for (let left = bytes; left > 0;) {
      const chunk = this.#chunks[this.#head]!;
      const { data } = chunk;
      const piece = data.subarray(this.#used, this.#used + left);
      removed.add(piece, chunk);
      left -= piece.length;
      this.#used += piece.length;
      if (this.#used === data.length) this.#next();
    }
    this.#bytes -= bytes;
    return removed;
  }

  /**
   * Zeroes and drops every chunk that `isGone`.
   * @returns how many bytes that was
   */
  drop(isGone: (origin: Origin) => boolean): number {
    const chunks = this.#chunks.slice(this.#head);
    const before = this.#bytes;
    const used = this.#used;
    this.#chunks = [];
    this.#head = 0;
    this.#used = 0;
    this.#bytes = 0;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const [index, chunk] of chunks.entries()) {
      const from = index === 0 ? used : 0;
      if (isGone(chunk.origin)) {
        chunk.release(chunk.data.subarray(from));
        continue;
      }
      this.#append(chunk, chunk.data.length - from);
      if (index === 0) this.#used = used;
    }
    return before - this.#bytes;
  }

  /** @param bytes that are left of it */
  #append(chunk: Chunk, bytes: number): void {
    this.#chunks.push(chunk);
    this.#bytes += bytes;
    this.#nextExpiry = Math.min(this.#nextExpiry, chunk.origin.expiresAt);
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
