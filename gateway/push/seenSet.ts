import { signatureBytes } from "../../common/packet/packet.ts";

/** What became of a signature: its bytes are in the buffer, or it was refused for want of room. */
export type Fate = "taken" | "full";

const fates: readonly Fate[] = ["taken", "full"];
const vacant = -1;

/**
 * The signatures that were judged, in memory that is laid out once: entries in typed arrays, found
 * through an open-addressing table, forgotten in the order of their signing times through a heap.
 * Only verified signatures get in, so nobody without a key can choose where they land.
 */
export class SeenSet {
  readonly #capacity: number;
  readonly #signatures: Buffer;
  readonly #stamps: BigInt64Array;
  readonly #fates: Uint8Array;
  /** Entry numbers by signature, linear probing; at most half full. */
  readonly #table: Int32Array;
  /** Entry numbers, a binary heap with the oldest stamp on top. */
  readonly #heap: Int32Array;
  #size = 0;

  constructor(capacity = 65_536) {
    this.#capacity = capacity;
    this.#signatures = Buffer.alloc(capacity * signatureBytes);
    this.#stamps = new BigInt64Array(capacity);
    this.#fates = new Uint8Array(capacity);
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2))).fill(vacant);
    this.#heap = Int32Array.from({ length: capacity }, (_, entry) => entry);
  }

  get size(): number {
    return this.#size;
  }

  fateOf(signature: Uint8Array): Fate | undefined {
    const entry = this.#table[this.#find(signature)] ?? vacant;
    return entry === vacant ? undefined : fates[this.#fates[entry] ?? 0];
  }

  /**
   * Remembers a signature that is not in the set.
   * @param stamp its signing time, nanoseconds
   * @returns the stamp of the entry that had to be forgotten for it, if one had to: nothing signed
   * then or before may be taken any more
   */
  add(signature: Uint8Array, stamp: bigint, fate: Fate): bigint | undefined {
    const evicted = this.#size === this.#capacity ? this.#forgetOldest() : undefined;
    const entry = this.#heap[this.#size] ?? 0;
    this.#signatures.set(signature, entry * signatureBytes);
    this.#stamps[entry] = stamp;
    this.#fates[entry] = fates.indexOf(fate);
    this.#table[this.#find(signature)] = entry;
    this.#rise(this.#size++);
    return evicted;
  }

  /** Forgets all that was signed at `floor` or before: the window refuses it anyway. */
  forgetUpTo(floor: bigint): void {
    while (this.#size > 0 && this.#stampAt(0) <= floor) this.#forgetOldest();
  }

  #forgetOldest(): bigint {
    const entry = this.#heap[0]!;
    const stamp = this.#stamps[entry]!;
    this.#unlink(this.#find(this.#signatureOf(entry)));
    const last = --this.#size;
    // The freed entry's number stays in the heap's array, behind its end, for the next add.
    this.#swap(0, last);
    this.#sink(0);
    return stamp;
  }

  /** The table position of a signature, or the vacant one where it would go. */
  #find(signature: Uint8Array): number {
    const mask = this.#table.length - 1;
    for (let at = this.#home(signature); ; at = (at + 1) & mask) {
      const entry = this.#table[at]!;
      if (entry === vacant || this.#signatureOf(entry).equals(signature)) return at;
    }
  }

  /** Empties a table position and moves up what had been pushed past it. */
  #unlink(position: number): void {
    const mask = this.#table.length - 1;
    let gap = position;
    for (let at = (gap + 1) & mask; this.#table[at] !== vacant; at = (at + 1) & mask) {
      const home = this.#home(this.#signatureOf(this.#table[at]!));
      // It may move into the gap unless its home lies cyclically after the gap.
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        this.#table[gap] = this.#table[at]!;
        gap = at;
      }
    }
    this.#table[gap] = vacant;
  }

  #home(signature: Uint8Array): number {
    const [a = 0, b = 0, c = 0, d = 0] = signature;
    return ((a << 24) | (b << 16) | (c << 8) | d) & (this.#table.length - 1);
  }

  #signatureOf(entry: number): Buffer {
    return this.#signatures.subarray(entry * signatureBytes, (entry + 1) * signatureBytes);
  }

  #stampAt(position: number): bigint {
    return this.#stamps[this.#heap[position]!]!;
  }

  #rise(position: number): void {
    for (let at = position; at > 0;) {
      const parent = (at - 1) >> 1;
      if (this.#stampAt(parent) <= this.#stampAt(at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(position: number): void {
    for (let at = position; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#size && this.#stampAt(child) < this.#stampAt(least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const entry = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = entry;
  }
}
