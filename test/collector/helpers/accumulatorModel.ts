import { expect } from "vitest";
import type {
  Accumulator,
  AccumulatorOptions,
  LossReason,
} from "../../../collector/accumulator.ts";
import type { Batch } from "../../../collector/chunkQueue.ts";
import type { ManualClock } from "../../helpers/manualClock.ts";

/** One byte, wherever it is: where it lay when it was added, and what it was. */
interface ModelByte {
  readonly chunk: Buffer;
  readonly at: number;
  readonly value: number;
  readonly fetchedAt: number;
  readonly sources: number;
}

interface ModelBatch {
  readonly batch: Batch;
  readonly bytes: readonly ModelByte[];
  readonly until: number;
  readonly isRevoked?: boolean;
}

const oldestOf = (bytes: readonly ModelByte[]): number =>
  bytes.reduce((least, { fetchedAt }) => Math.min(least, fetchedAt), Number.POSITIVE_INFINITY);

const bytesOf = ({ bytes }: ModelBatch): readonly ModelByte[] => bytes;

const sourcesOf = (bytes: readonly ModelByte[]): number =>
  bytes.reduce((mask, { sources }) => mask | sources, 0);

/**
 * The accumulator as anybody would first write it, a list of bytes, run beside the real one: each
 * method does its part to both, and `check` compares all there is to see.
 */
export class AccumulatorModel {
  readonly lost: Record<LossReason, number> = {
    expired: 0,
    unknown: 0,
    alarm: 0,
    shutdown: 0,
  };
  readonly #real: Accumulator;
  readonly #options: AccumulatorOptions;
  readonly #clock: ManualClock;
  #added = 0;
  #delivered = 0;
  #buffered: ModelByte[] = [];
  #resting: ModelBatch[] = [];
  #out: ModelBatch[] = [];
  #gone: ModelByte[] = [];
  #flushing = false;

  constructor(real: Accumulator, options: AccumulatorOptions, clock: ManualClock) {
    this.#real = real;
    this.#options = options;
    this.#clock = clock;
  }

  held(): number {
    const batches = [...this.#resting, ...this.#out].flatMap(bytesOf);
    return this.#buffered.length + batches.length;
  }

  outCount(): number {
    return this.#out.length;
  }

  add(size: number, age: number, sources: number): void {
    const fetchedAt = this.#clock.monotonic() - age;
    const chunk = Buffer.from(
      Array.from({ length: size }, (_, at) => 1 + ((this.#added + at) % 255)),
    );
    for (let at = 0; at < size; at++) {
      this.#buffered.push({ chunk, at, value: chunk[at]!, fetchedAt, sources });
    }
    this.#added += size;
    this.#real.add(chunk, fetchedAt, sources);
  }

  take(): void {
    this.#expire();
    const now = this.#clock.monotonic();
    const batch = this.#real.take();
    const rested = this.#resting.find(({ until }) => until <= now);
    if (rested !== undefined) {
      expect(batch?.data).toBe(rested.batch.data);
      expect(batch?.fetchedAt).toBe(rested.batch.fetchedAt);
      this.#resting = this.#resting.filter((other) => other !== rested);
      this.#out.push({ ...rested, batch: batch! });
      return;
    }
    if (this.#bufferedDue(now) > 0) return expect(batch).toBeUndefined();
    const bytes = this.#buffered.splice(0, this.#options.packetBytes);
    expect([...batch!.data]).toEqual(bytes.map(({ value }) => value));
    expect(batch!.fetchedAt).toBe(oldestOf(bytes));
    expect(batch!.sources).toBe(sourcesOf(bytes));
    this.#out.push({ batch: batch!, bytes, until: 0 });
  }

  done(index: number): void {
    const { batch, bytes } = this.#settle(index);
    this.#real.done(batch);
    this.#delivered += bytes.length;
    this.#gone.push(...bytes);
  }

  drop(index: number, reason: LossReason): void {
    const { batch, bytes } = this.#settle(index);
    this.#real.drop(batch, reason);
    this.#lose(bytes, reason);
  }

  back(index: number): void {
    const settled = this.#settle(index);
    this.#real.back(settled.batch);
    if (settled.isRevoked === true) this.#lose(settled.bytes, "alarm");
    else this.#resting.push({ ...settled, until: 0 });
  }

  rest(index: number, milliseconds: number): void {
    const settled = this.#settle(index);
    const until = this.#clock.monotonic() + milliseconds;
    this.#real.rest(settled.batch, until);
    if (settled.isRevoked === true) this.#lose(settled.bytes, "alarm");
    else if (this.#flushing && milliseconds > 0) this.#lose(settled.bytes, "shutdown");
    else this.#resting.push({ ...settled, until });
  }

  revoke(mask: number): void {
    const before = this.lost.alarm;
    const isRevoked = ({ bytes }: ModelBatch): boolean => (sourcesOf(bytes) & mask) !== 0;
    for (const { bytes } of this.#resting.filter(isRevoked)) this.#lose(bytes, "alarm");
    this.#resting = this.#resting.filter((batch) => !isRevoked(batch));
    this.#lose(
      this.#buffered.filter(({ sources }) => (sources & mask) !== 0),
      "alarm",
    );
    this.#buffered = this.#buffered.filter(({ sources }) => (sources & mask) === 0);
    this.#out = this.#out.map((batch) =>
      isRevoked(batch) ? { ...batch, isRevoked: true } : batch,
    );
    expect(this.#real.revoke(mask)).toBe(this.lost.alarm - before);
  }

  dropExpired(): void {
    this.#real.dropExpired();
    this.#expire();
  }

  flush(): void {
    this.#real.flush();
    this.#flushing = true;
    const now = this.#clock.monotonic();
    for (const { bytes } of this.#resting.filter(({ until }) => until > now)) {
      this.#lose(bytes, "shutdown");
    }
    this.#resting = this.#resting.filter(({ until }) => until <= now);
  }

  close(): void {
    this.#real.close();
    for (const { bytes } of this.#resting) this.#lose(bytes, "shutdown");
    this.#lose(this.#buffered, "shutdown");
    this.#resting = [];
    this.#buffered = [];
  }

  check(): void {
    const { lost } = this.#real;
    expect(Object.fromEntries(lost.entries())).toEqual(this.lost);
    expect(this.#real.heldBytes()).toBe(this.held());
    expect(this.#added).toBe(this.#delivered + lost.total() + this.#real.heldBytes());
    expect(this.#real.dueIn()).toBe(this.#dueIn());
    const everything = [...this.#buffered, ...[...this.#resting, ...this.#out].flatMap(bytesOf)];
    expect(this.#real.oldestFetchedAt()).toBe(oldestOf(everything));
    for (const { batch, isRevoked = false } of this.#out) {
      expect(this.#real.isRevoked(batch)).toBe(isRevoked);
    }
    const wrong = [
      ...this.#buffered.filter(({ chunk, at, value }) => chunk[at] !== value),
      ...this.#gone.filter(({ chunk, at }) => chunk[at] !== 0),
      ...[...this.#resting, ...this.#out].flatMap(misplaced),
    ];
    expect(wrong).toEqual([]);
  }

  #settle(index: number): ModelBatch {
    return this.#out.splice(index % this.#out.length, 1)[0]!;
  }

  #expire(): void {
    const oldest = this.#clock.monotonic() - this.#options.maxAge;
    const expired = this.#resting.filter(({ bytes }) => oldestOf(bytes) <= oldest);
    this.#resting = this.#resting.filter((batch) => !expired.includes(batch));
    for (const { bytes } of expired) this.#lose(bytes, "expired");
    this.#lose(
      this.#buffered.filter(({ fetchedAt }) => fetchedAt <= oldest),
      "expired",
    );
    this.#buffered = this.#buffered.filter(({ fetchedAt }) => fetchedAt > oldest);
  }

  #lose(bytes: readonly ModelByte[], reason: LossReason): void {
    this.lost[reason] += bytes.length;
    this.#gone.push(...bytes);
  }

  #bufferedDue(now: number): number {
    if (this.#buffered.length === 0) return Number.POSITIVE_INFINITY;
    if (this.#flushing || this.#buffered.length >= this.#options.packetBytes) return 0;
    return oldestOf(this.#buffered) + this.#options.packetAge - now;
  }

  #dueIn(): number {
    const now = this.#clock.monotonic();
    const rested = this.#resting.map(({ until }) => until - now);
    return Math.max(0, Math.min(this.#bufferedDue(now), ...rested));
  }
}

/** The bytes of a batch that are not what was added, or that are left behind where they were. */
function misplaced({ batch, bytes }: ModelBatch): ModelByte[] {
  return bytes.filter(({ chunk, at, value }, index) => {
    const sameMemory =
      batch.data.buffer === chunk.buffer && batch.data.byteOffset + index === chunk.byteOffset + at;
    return batch.data[index] !== value || (!sameMemory && chunk[at] !== 0);
  });
}
