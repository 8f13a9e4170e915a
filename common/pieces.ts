/** Random bytes on their way. Whoever holds the piece owns its memory, and zeroes it when done. */
export interface Piece {
  readonly data: Buffer;
  /** Monotonic milliseconds at which the oldest of its bytes were fetched. */
  readonly fetchedAt: number;
}

/** Pieces, first in, first out; they are split without a copy. */
export class PieceQueue {
  #pieces: Piece[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the first piece; 0 when there is none. */
  get firstBytes(): number {
    return this.#pieces[0]?.data.length ?? 0;
  }

  /** Owns the piece from now on. */
  push(piece: Piece): void {
    if (piece.data.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.data.length;
  }

  /** The first piece, or as much of it as is asked for; undefined when there is none. */
  takePiece(maxBytes: number): Piece | undefined {
    const first = this.#pieces[0];
    if (first === undefined || maxBytes < 1) return undefined;
    const { data, fetchedAt } = first;
    const taken = Math.min(maxBytes, data.length);
    if (taken === data.length) this.#pieces.shift();
    else this.#pieces[0] = { data: data.subarray(taken), fetchedAt };
    this.#bytes -= taken;
    return { data: data.subarray(0, taken), fetchedAt };
  }

  /** The first so many bytes, or all there are. */
  take(bytes: number): Piece[] {
    const pieces: Piece[] = [];
    for (let missing = bytes; missing > 0;) {
      const piece = this.takePiece(missing);
      if (piece === undefined) break;
      pieces.push(piece);
      missing -= piece.data.length;
    }
    return pieces;
  }

  /** Copies the last piece out of memory that it shares, which it would keep from being freed. */
  detachLast(): void {
    const last = this.#pieces.at(-1);
    if (last === undefined || last.data.length === last.data.buffer.byteLength) return;
    const copy = Buffer.allocUnsafeSlow(last.data.length);
    copy.set(last.data);
    last.data.fill(0);
    this.#pieces[this.#pieces.length - 1] = { ...last, data: copy };
  }

  /**
   * Zeroes what was fetched until then, all when left out. Pieces come in the order of their fetches.
   * @returns how many bytes that was
   */
  clear(fetchedUntil = Number.POSITIVE_INFINITY): number {
    const before = this.#bytes;
    for (;;) {
      const first = this.#pieces[0];
      if (first === undefined || first.fetchedAt > fetchedUntil) return before - this.#bytes;
      first.data.fill(0);
      this.#pieces.shift();
      this.#bytes -= first.data.length;
    }
  }
}
