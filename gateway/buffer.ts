import type { Clock } from "../common/clock.ts";
import { Tally } from "../common/metrics.ts";
import { Notice } from "../common/wait.ts";
import { Meter } from "./meter.ts";

/** Where bytes that came in have gone; what is left of `received` is in the buffer. */
export const flows = ["received", "served", "expired", "discarded", "alarm", "shutdown"] as const;
export type Flow = (typeof flows)[number];

/** Bytes taken out for one response. They are never put back. */
export interface Draw {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  /** Zeroes them; to be called once they have left, in whatever encoding, or cannot leave any more. */
  release(): void;
}

export interface BufferOptions {
  /** Bytes held at most; as many again may be in draws that are not released. */
  readonly capacity: number;
  /** Milliseconds after which a byte is never served. */
  readonly maxAge: number;
  readonly overflow: "Reject" | "DiscardOldest";
  readonly clock: Clock;
}

interface Chunk {
  data: Buffer;
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Bit mask of the sources that it came from; 0 where a collector knows them. */
  readonly sources: number;
}

/** A chunk costs some hundred bytes beside its data: tiny packets must not cost more than memory. */
const chunkSlotBytes = 1024;
const minChunkSlots = 1024;

/** First in, first out, in the chunks that came; every byte is served at most once. */
export class EntropyBuffer {
  readonly flow = new Tally<Flow>(flows);
  /** Bytes that come in and go out, for their rates. */
  readonly meters: { readonly in: Meter; readonly out: Meter };
  readonly capacity: number;
  readonly #options: BufferOptions;
  readonly #slots: number;
  readonly #room = new Notice();
  #onMore: () => void = () => undefined;
  #chunks: Chunk[] = [];
  /** Chunks before it were used up; compacted now and then. */
  #head = 0;
  #bytes = 0;
  #inFlight = 0;
  #receivedAt: number | undefined;
  /** No chunk expires before it. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  constructor(options: BufferOptions) {
    this.#options = options;
    this.capacity = options.capacity;
    const { monotonic } = options.clock;
    this.meters = { in: new Meter(monotonic), out: new Meter(monotonic) };
    this.#slots = Math.max(minChunkSlots, Math.floor(options.capacity / chunkSlotBytes));
  }

  /** Bytes that can be drawn now. */
  available(): number {
    this.expire();
    return this.#bytes;
  }

  /** Calls `listener` whenever more can be drawn than before. */
  onMore(listener: () => void): void {
    this.#onMore = listener;
  }

  /** Monotonic milliseconds at which bytes last came in; undefined when none have. */
  receivedAt(): number | undefined {
    return this.#receivedAt;
  }

  /** How old the oldest and the newest byte are, in milliseconds; undefined when it is empty. */
  ages(): { oldest: number; newest: number } | undefined {
    this.expire();
    const first = this.#chunks[this.#head];
    const last = this.#chunks.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const born = ({ expiresAt }: Chunk): number => expiresAt - this.#options.maxAge;
    const now = this.#options.clock.monotonic();
    return { oldest: now - born(first), newest: now - born(last) };
  }

  /** Whether `add` would take so many bytes. */
  hasRoom(bytes: number): boolean {
    if (bytes > this.capacity) return false;
    if (this.#options.overflow === "DiscardOldest") return true;
    this.expire();
    return this.#bytes + bytes <= this.capacity && this.#length() < this.#slots;
  }

  async untilRoom(bytes: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.hasRoom(bytes)) await this.#room.wait(signal, 1_000);
  }

  async untilEmpty(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.available() > 0) await this.#room.wait(signal, 1_000);
  }

  /**
   * Takes ownership of `data`, for which there is room.
   * @param age milliseconds that the bytes are old already
   * @param sources bit mask of the sources that they came from, for `revoke`
   */
  add(data: Buffer, age: number, sources = 0): void {
    this.#receivedAt = this.#options.clock.monotonic();
    const expiresAt = this.#receivedAt + this.#options.maxAge - Math.max(0, age);
    this.flow.add("received", data.length);
    this.meters.in.add(data.length);
    this.expire();
    this.#discard(this.#bytes + data.length - this.capacity);
    if (this.#length() >= this.#slots) this.#discard(this.#chunks[this.#head]?.data.length ?? 0);
    this.#chunks.push({ data, expiresAt, sources });
    this.#bytes += data.length;
    this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
    this.#onMore();
  }

  /**
   * The oldest `bytes` bytes that are fresh, or undefined when there are fewer (then none is taken)
   * or when clients that do not read hold too many already.
   */
  take(bytes: number): Draw | undefined {
    if (this.available() < bytes || this.#inFlight + bytes > this.capacity) return undefined;
    const pieces = this.#remove(bytes);
    this.flow.add("served", bytes);
    this.meters.out.add(bytes);
    this.#inFlight += bytes;
    this.#room.notify();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#inFlight -= bytes;
      for (const piece of pieces) piece.fill(0);
      this.#onMore();
    };
    return { pieces, bytes, release };
  }

  /** Zeroes what has expired; also called by a timer, so that nothing waits for a reader. */
  expire(): void {
    const now = this.#options.clock.monotonic();
    if (now < this.#nextExpiry) return;
    this.#drop(({ expiresAt }) => expiresAt <= now, "expired");
  }

  /**
   * Zeroes what is left of any of these sources.
   * @returns how many bytes that was
   */
  revoke(sources: number): number {
    return this.#drop((chunk) => (chunk.sources & sources) !== 0, "alarm");
  }

  /** Zeroes all that is left. */
  close(): void {
    this.flow.add("shutdown", this.#bytes);
    for (const piece of this.#remove(this.#bytes)) piece.fill(0);
  }

  #drop(isGone: (chunk: Chunk) => boolean, flow: Flow): number {
    const left: Chunk[] = [];
    let dropped = 0;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const chunk of this.#chunks.slice(this.#head)) {
      if (isGone(chunk)) {
        chunk.data.fill(0);
        dropped += chunk.data.length;
      } else {
        left.push(chunk);
        this.#nextExpiry = Math.min(this.#nextExpiry, chunk.expiresAt);
      }
    }
    this.#chunks = left;
    this.#head = 0;
    this.#bytes -= dropped;
    this.flow.add(flow, dropped);
    this.#room.notify();
    return dropped;
  }

  #length(): number {
    return this.#chunks.length - this.#head;
  }

  #discard(bytes: number): void {
    if (bytes <= 0) return;
    this.flow.add("discarded", bytes);
    for (const piece of this.#remove(bytes)) piece.fill(0);
  }

  /** Removes exactly so many of the oldest bytes, as views of their chunks. */
  #remove(bytes: number): Buffer[] {
    const pieces: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const chunk = this.#chunks[this.#head]!;
      const piece = chunk.data.subarray(0, left);
      pieces.push(piece);
      left -= piece.length;
      if (piece.length === chunk.data.length) this.#head += 1;
      else chunk.data = chunk.data.subarray(piece.length);
    }
    this.#bytes -= bytes;
    if (this.#head > 1024 && this.#head * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return pieces;
  }
}
