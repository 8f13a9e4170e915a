import type { Clock } from "../common/clock.ts";
import { Tally } from "../common/metrics.ts";
import type { Sink } from "../common/sources/fetchLoop.ts";
import { Notice } from "../common/wait.ts";

export const lossReasons = ["expired", "unknown", "shutdown"] as const;
export type LossReason = (typeof lossReasons)[number];

/** Bytes on their way to a gateway: the data of one packet. */
export interface Batch {
  readonly data: Buffer;
  /** Monotonic milliseconds at which the oldest of its bytes were fetched. */
  readonly fetchedAt: number;
}

export interface AccumulatorOptions {
  /**
   * Bytes held at most, batches that are not settled included. Sources that fetch at the same time
   * may each have found the same room: a chunk more for each source but the first.
   */
  readonly capacity: number;
  readonly packetBytes: number;
  /** Milliseconds after which bytes that fill no packet are sent all the same. */
  readonly packetAge: number;
  /** Milliseconds after which bytes are dropped. */
  readonly maxAge: number;
  readonly clock: Clock;
}

interface Resting extends Batch {
  readonly until: number;
}

/**
 * Every byte between fetch and push, each in one of three states: `buffered` as fetched, `out` as a
 * batch that the pusher took, `resting` as a batch that must not be signed anew yet. A batch that is
 * out ends as `done` (delivered), `drop`ped (counted by reason), given `back` (may be signed anew at
 * once) or put to `rest`. What leaves is zeroed.
 */
export class Accumulator implements Sink {
  readonly lost = new Tally<LossReason>(lossReasons);
  /** Something can be taken now, or will be when it is due. */
  readonly filled = new Notice();
  readonly #options: AccumulatorOptions;
  readonly #room = new Notice();
  #buffered: { data: Buffer; fetchedAt: number }[] = [];
  #resting: Resting[] = [];
  #bufferedBytes = 0;
  #heldBytes = 0;
  #flushing = false;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
  }

  heldBytes(): number {
    return this.#heldBytes;
  }

  async untilRoom(bytes: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#heldBytes + bytes > this.#options.capacity) {
      await this.#room.wait(signal);
    }
  }

  add(chunk: Buffer, fetchedAt: number): void {
    this.#buffered.push({ data: chunk, fetchedAt });
    this.#bufferedBytes += chunk.length;
    this.#heldBytes += chunk.length;
    this.filled.notify();
  }

  /**
   * From now on bytes need not fill a packet, nor wait to be sent; batches at rest are dropped,
   * since they will not be due before the program is gone.
   */
  flush(): void {
    this.#flushing = true;
    const resting = this.#resting;
    this.#resting = [];
    for (const { until, ...batch } of resting) this.rest(batch, until);
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
    if (rested >= 0) return this.#resting.splice(rested, 1)[0];
    return this.#bufferedDue(now) <= 0 ? this.#pack() : undefined;
  }

  /** Milliseconds until `take` has something, if nothing more comes; Infinity when it holds nothing. */
  dueIn(): number {
    const now = this.#options.clock.monotonic();
    const rested = this.#resting.map(({ until }) => until - now);
    return Math.max(0, Math.min(this.#bufferedDue(now), ...rested));
  }

  done(batch: Batch): void {
    batch.data.fill(0);
    this.#heldBytes -= batch.data.length;
    this.#room.notify();
  }

  drop(batch: Batch, reason: LossReason): void {
    this.lost.add(reason, batch.data.length);
    this.done(batch);
  }

  /** Lets the batch be taken again at once. */
  back(batch: Batch): void {
    this.rest(batch, 0);
  }

  /** Lets the batch be taken again at monotonic `until`. */
  rest(batch: Batch, until: number): void {
    if (this.#flushing && until > this.#options.clock.monotonic()) {
      this.drop(batch, "shutdown");
      return;
    }
    this.#resting.push({ ...batch, until });
    this.filled.notify();
  }

  /** Drops what is older than `maxAge`, also while nobody takes. */
  dropExpired(): void {
    const oldest = this.#options.clock.monotonic() - this.#options.maxAge;
    const isExpired = ({ fetchedAt }: Batch): boolean => fetchedAt <= oldest;
    const resting = this.#resting.filter(isExpired);
    const buffered = this.#buffered.filter(isExpired);
    if (resting.length + buffered.length === 0) return;
    this.#resting = this.#resting.filter((batch) => !isExpired(batch));
    this.#buffered = this.#buffered.filter((chunk) => !isExpired(chunk));
    for (const chunk of buffered) this.#bufferedBytes -= chunk.data.length;
    for (const batch of [...resting, ...buffered]) this.drop(batch, "expired");
  }

  /** Drops all that is not out. */
  close(): void {
    const all = [...this.#resting, ...this.#buffered];
    this.#resting = [];
    this.#buffered = [];
    this.#bufferedBytes = 0;
    for (const batch of all) this.drop(batch, "shutdown");
  }

  #bufferedDue(now: number): number {
    if (this.#buffered.length === 0) return Number.POSITIVE_INFINITY;
    if (this.#flushing || this.#bufferedBytes >= this.#options.packetBytes) return 0;
    // Not the first: chunks come in the order in which fetches end, not in which they began.
    const oldest = Math.min(...this.#buffered.map(({ fetchedAt }) => fetchedAt));
    return oldest + this.#options.packetAge - now;
  }

  /** Moves up to a packet's bytes from the buffered chunks into one batch. */
  #pack(): Batch {
    const size = Math.min(this.#options.packetBytes, this.#bufferedBytes);
    const first = this.#buffered[0];
    if (first?.data.length === size) {
      this.#buffered.shift();
      this.#bufferedBytes -= size;
      return first; // the usual case, a chunk as large as a packet: no copy
    }
    const data = Buffer.allocUnsafeSlow(size);
    let fetchedAt = Number.POSITIVE_INFINITY;
    for (let at = 0; at < size;) {
      const chunk = this.#buffered[0]!;
      const part = chunk.data.subarray(0, size - at);
      part.copy(data, at);
      part.fill(0);
      at += part.length;
      fetchedAt = Math.min(fetchedAt, chunk.fetchedAt);
      if (part.length === chunk.data.length) this.#buffered.shift();
      else this.#buffered[0] = { ...chunk, data: chunk.data.subarray(part.length) };
    }
    this.#bufferedBytes -= size;
    return { data, fetchedAt };
  }
}
