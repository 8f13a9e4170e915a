import type { Clock } from "../common/clock.ts";
import { Tally } from "../common/metrics.ts";
import { Notice } from "../common/wait.ts";
import { ChunkQueue, type Origin } from "./chunkQueue.ts";
import { Meter } from "./meter.ts";

/** Where bytes that came in have gone; what is left of `received` is in the buffer. */
export const flows = ["received", "served", "expired", "discarded", "alarm", "shutdown"] as const;
export type Flow = (typeof flows)[number];

/** Bytes taken out for one response. They are never put back. */
export interface Draw {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  /**
   * Zeroes them, and their memory may be given back: to be called once they have left, in whatever
   * encoding, or cannot leave any more.
   */
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

/** A chunk costs some hundred bytes beside its data: tiny packets must not cost more than memory. */
const chunkSlotBytes = 1024;
const minChunkSlots = 1024;

/** First in, first out, in chunks as they came; every byte is served at most once. */
export class EntropyBuffer {
  readonly flow = new Tally<Flow>(flows);
  /** Bytes that come in and go out, for their rates. */
  readonly meters: { readonly in: Meter; readonly out: Meter };
  readonly capacity: number;
  readonly #options: BufferOptions;
  readonly #slots: number;
  readonly #room = new Notice();
  #onMore: () => void = () => undefined;
  readonly #chunks = new ChunkQueue();
  #inFlight = 0;
  #receivedAt: number | undefined;
  #offeredAt: number | undefined;

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
    return this.#chunks.bytes;
  }

  /** Calls `listener` whenever more can be drawn than before. */
  onMore(listener: () => void): void {
    this.#onMore = listener;
  }

  /** Monotonic milliseconds at which bytes last came in; undefined when none have. */
  receivedAt(): number | undefined {
    return this.#receivedAt;
  }

  /** The same, of bytes that were taken or only wanted for room: a full buffer is no dead source. */
  offeredAt(): number | undefined {
    return this.#offeredAt;
  }

  /** How old the oldest and the newest byte are, in milliseconds; undefined when it is empty. */
  ages(): { oldest: number; newest: number } | undefined {
    this.expire();
    const first = this.#chunks.first();
    const last = this.#chunks.last();
    if (first === undefined || last === undefined) return undefined;
    const born = ({ expiresAt }: Origin): number => expiresAt - this.#options.maxAge;
    const now = this.#options.clock.monotonic();
    return { oldest: now - born(first), newest: now - born(last) };
  }

  /** Whether `add` would take so many bytes, which are there: that they are offered is remembered. */
  hasRoom(bytes: number): boolean {
    this.#offeredAt = this.#options.clock.monotonic();
    if (bytes > this.capacity) return false;
    if (this.#options.overflow === "DiscardOldest") return true;
    this.expire();
    return this.#chunks.bytes + bytes <= this.capacity && this.#chunks.length < this.#slots;
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
   * @param memory all of the memory that they are in, where nothing else is in it: it is given back
   * when the last of them is gone, instead of being collected
   */
  add(data: Buffer, age: number, sources = 0, memory?: Buffer): void {
    const now = this.#options.clock.monotonic();
    this.#receivedAt = now;
    this.#offeredAt = now;
    const expiresAt = now + this.#options.maxAge - Math.max(0, age);
    this.flow.add("received", data.length);
    this.meters.in.add(data.length);
    this.expire();
    this.#discard(this.#chunks.bytes + data.length - this.capacity);
    if (this.#chunks.length >= this.#slots) this.#discard(this.#chunks.oldestBytes);
    this.#chunks.push(data, { expiresAt, sources }, memory);
    this.#onMore();
  }

  /**
   * The oldest `bytes` bytes that are fresh, or undefined when there are fewer (then none is taken)
   * or when clients that do not read hold too many already.
   */
  take(bytes: number): Draw | undefined {
    if (this.available() < bytes || this.#inFlight + bytes > this.capacity) return undefined;
    const removed = this.#chunks.remove(bytes);
    this.flow.add("served", bytes);
    this.meters.out.add(bytes);
    this.#inFlight += bytes;
    this.#room.notify();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#inFlight -= bytes;
      removed.release();
      this.#onMore();
    };
    return { pieces: removed.pieces, bytes, release };
  }

  /** Zeroes what has expired; also called by a timer, so that nothing waits for a reader. */
  expire(): void {
    const now = this.#options.clock.monotonic();
    if (now < this.#chunks.nextExpiry) return;
    this.#drop(({ expiresAt }) => expiresAt <= now, "expired");
  }

  /**
   * Zeroes what is left of any of these sources.
   * @returns how many bytes that was
   */
  revoke(sources: number): number {
    return this.#drop((origin) => (origin.sources & sources) !== 0, "alarm");
  }

  /** Zeroes all that is left. */
  close(): void {
    this.#drop(() => true, "shutdown");
  }

  #drop(isGone: (origin: Origin) => boolean, flow: Flow): number {
    const dropped = this.#chunks.drop(isGone);
    this.flow.add(flow, dropped);
    this.#room.notify();
    return dropped;
  }

  #discard(bytes: number): void {
    if (bytes <= 0) return;
    this.flow.add("discarded", bytes);
    this.#chunks.remove(bytes).release();
  }
}
