import type { Clock } from "../common/clock.ts";
import { Tally } from "../common/metrics.ts";
import type { Sink } from "../common/supply/sink.ts";
import { Notice } from "../common/wait.ts";
import { ChunkQueue, oldestOf, type Batch } from "./chunkQueue.ts";

export const lossReasons = ["expired", "unknown", "alarm", "shutdown"] as const;
export type LossReason = (typeof lossReasons)[number];

export interface AccumulatorOptions {
  /** Bytes held at most, batches that are not settled included. */
  readonly capacity: number;
  readonly packetBytes: number;
  /** Milliseconds after which bytes that fill no packet are sent all the same. */
  readonly packetAge: number;
  /** Milliseconds after which bytes are dropped. */
  readonly maxAge: number;
  readonly clock: Clock;
}

/**
 * The low-water mark, as a share of the capacity. Without it a full buffer would let in a chunk for
 * each packet that leaves: sources would be asked in a trickle instead of in runs.
 */
const lowWater = 0.75;

interface Resting extends Batch {
  readonly until: number;
}

/**
 * Every byte between fetch and push, each in one of three states: `buffered` as fetched, `out` as a
 * batch that the pusher took, `resting` as a batch that must not be signed anew yet. A batch that is
 * out ends as `done` (delivered), `drop`ped (counted by reason), given `back` (may be signed anew at
 * once) or put to `rest`. What leaves is zeroed.
 *
 * It is filled by one producer, which waits with `untilRoom` before each `add`: so the capacity is
 * never exceeded, and no byte is lost for want of room.
 */
export class Accumulator implements Sink {
  readonly lost = new Tally<LossReason>(lossReasons);
  readonly capacity: number;
  /** Something can be taken now, or will be when it is due. */
  readonly filled = new Notice();
  readonly #options: AccumulatorOptions;
  readonly #room = new Notice();
  readonly #buffered = new ChunkQueue();
  #resting: Resting[] = [];
  readonly #out = new Set<Batch>();
  /** Those of `#out` that must not be sent again. */
  readonly #revoked = new WeakSet<Batch>();
  #heldBytes = 0;
  #isPaused = false;
  #flushing = false;

  constructor(options: AccumulatorOptions) {
    this.capacity = options.capacity;
    this.#options = options;
  }

  heldBytes(): number {
    return this.#heldBytes;
  }

  /** Monotonic milliseconds at which the oldest byte held was fetched; Infinity when none is held. */
  oldestFetchedAt(): number {
    return Math.min(
      this.#buffered.oldestFetchedAt(),
      oldestOf(this.#resting),
      oldestOf([...this.#out]),
    );
  }

  /** Whether the producer waits for the low-water mark. */
  isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Resolves when `bytes` fit, or when `signal` aborts. Once they did not fit (the high-water mark),
   * only when no more than three quarters of the capacity are held (the low-water mark).
   */
  async untilRoom(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#heldBytes + bytes <= this.capacity) return;
    const mark = Math.min(this.capacity * lowWater, this.capacity - bytes);
    this.#isPaused = true;
    while (!signal.aborted && this.#heldBytes > mark) await this.#room.wait(signal);
    this.#isPaused = false;
  }

  /**
   * @param sources those whose bytes are in the chunk, a bit for each
   * @throws RangeError when it does not fit: the producer did not wait for room
   */
  add(chunk: Buffer, fetchedAt: number, sources = 0): void {
    if (this.#heldBytes + chunk.length > this.capacity) {
      throw new RangeError("accumulator: no room was waited for");
    }
    this.#buffered.add({ data: chunk, fetchedAt, sources });
    this.#heldBytes += chunk.length;
    this.filled.notify();
  }

  /**
   * Drops everything that one of these sources took part in. Batches that are out stay with who has
   * them, and are dropped where they would be sent again.
   * @param mask the sources, a bit for each
   * @returns bytes dropped now, counted as lost by `alarm`
   */
  revoke(mask: number): number {
    const isRevoked = ({ sources }: Batch): boolean => (sources & mask) !== 0;
    for (const batch of this.#out) if (isRevoked(batch)) this.#revoked.add(batch);
    return this.#dropHeld(isRevoked, "alarm");
  }

  /** Whether a source of this batch, which is out, was revoked: it must not be sent again. */
  isRevoked(batch: Batch): boolean {
    return this.#revoked.has(batch);
  }

  /**
   * From now on bytes need not fill a packet, nor wait to be sent; batches at rest are dropped,
   * since they will not be due before the program is gone.
   */
  flush(): void {
    this.#flushing = true;
    const now = this.#options.clock.monotonic();
    const late = this.#resting.filter(({ until }) => until > now);
    this.#resting = this.#resting.filter(({ until }) => until <= now);
    for (const batch of late) this.#lose(batch, "shutdown");
    this.filled.notify();
  }

  /** Resolves when nothing is held, or when `signal` aborts. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#heldBytes > 0) await this.#room.wait(signal);
  }

  /** The next batch, if one is due: rested ones first, then a full packet's bytes or aged ones. */
  take(): Batch | undefined {
    this.dropExpired();
    const now = this.#options.clock.monotonic();
    const rested = this.#resting.findIndex(({ until }) => until <= now);
    if (rested >= 0) return this.#handOut(this.#resting.splice(rested, 1)[0]!);
    if (this.#bufferedDue(now) > 0) return undefined;
    return this.#handOut(this.#buffered.pack(this.#options.packetBytes));
  }

  /** Milliseconds until `take` has something, if nothing more comes; Infinity when it holds nothing. */
  dueIn(): number {
    const now = this.#options.clock.monotonic();
    const rested = this.#resting.reduce(
      (least, { until }) => Math.min(least, until - now),
      Number.POSITIVE_INFINITY,
    );
    return Math.max(0, Math.min(this.#bufferedDue(now), rested));
  }

  done(batch: Batch): void {
    this.#settle(batch);
    this.#release(batch);
  }

  drop(batch: Batch, reason: LossReason): void {
    this.#settle(batch);
    this.#lose(batch, reason);
  }

  /** Lets the batch be taken again at once. */
  back(batch: Batch): void {
    this.rest(batch, 0);
  }

  /** Lets the batch be taken again at monotonic `until`, unless it was revoked meanwhile. */
  rest(batch: Batch, until: number): void {
    const isRevoked = this.isRevoked(batch);
    this.#settle(batch);
    if (isRevoked) return this.#lose(batch, "alarm");
    if (this.#flushing && until > this.#options.clock.monotonic()) {
      return this.#lose(batch, "shutdown");
    }
    this.#resting.push({ ...batch, until });
    this.filled.notify();
  }

  /** Drops what is older than `maxAge`, also while nobody takes. */
  dropExpired(): void {
    const oldest = this.#options.clock.monotonic() - this.#options.maxAge;
    this.#dropHeld(({ fetchedAt }) => fetchedAt <= oldest, "expired");
  }

  /** Drops all that is not out. */
  close(): void {
    this.#dropHeld(() => true, "shutdown");
  }

  #handOut(batch: Batch): Batch {
    this.#out.add(batch);
    return batch;
  }

  /** Ends a batch's being out, which it does once. */
  #settle(batch: Batch): void {
    if (!this.#out.delete(batch)) throw new Error("accumulator: a batch that is not out");
  }

  #lose(batch: Batch, reason: LossReason): void {
    this.lost.add(reason, batch.data.length);
    this.#release(batch);
  }

  #release({ data }: Batch): void {
    data.fill(0);
    this.#heldBytes -= data.length;
    this.#room.notify();
  }

  /** Drops what is not out and meets the condition; gives how many bytes that were. */
  #dropHeld(isGone: (held: Batch) => boolean, reason: LossReason): number {
    const before = this.#heldBytes;
    const resting = this.#resting.filter(isGone);
    if (resting.length > 0) this.#resting = this.#resting.filter((batch) => !isGone(batch));
    for (const held of [...resting, ...this.#buffered.remove(isGone)]) this.#lose(held, reason);
    return before - this.#heldBytes;
  }

  #bufferedDue(now: number): number {
    const { bytes } = this.#buffered;
    if (bytes === 0) return Number.POSITIVE_INFINITY;
    if (this.#flushing || bytes >= this.#options.packetBytes) return 0;
    return this.#buffered.oldestFetchedAt() + this.#options.packetAge - now;
  }
}
