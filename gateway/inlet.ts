import { setImmediate } from "node:timers/promises";
import type { Clock } from "../common/clock.ts";
import { Tally } from "../common/metrics.ts";
import type { Conditioner } from "../common/conditioning/conditioner.ts";
import type { FipsMonitor } from "../common/health/fipsMonitor.ts";
import type { EntropyBuffer } from "./buffer.ts";
import { SpotCheck } from "./spotCheck.ts";

export interface InletOptions {
  readonly monitor: FipsMonitor;
  readonly conditioner: Conditioner;
  readonly buffer: EntropyBuffer;
  /** Milliseconds after which a byte is never served. */
  readonly maxAge: number;
  readonly clock: Clock;
}

/** Why bytes that the conditioner carried were never conditioned. */
export const lossReasons = ["expired", "alarm"] as const;
export type LossReason = (typeof lossReasons)[number];

/** What is known of bytes that come in. */
export interface Arrival {
  /** Milliseconds that the oldest of them is old already. */
  readonly age: number;
  /** Bit mask of the sources that they came from, for `revoke`; 0 when left out. */
  readonly sources?: number;
  /** All of the memory that they are in, where nothing else is in it. */
  readonly memory?: Buffer | undefined;
}

/** Bytes that came at once, while they are conditioned. */
interface Entry {
  /** What has not been conditioned yet. */
  rest: Buffer;
  /** When the oldest of them was new, monotonic milliseconds. */
  readonly born: number;
  readonly sources: number;
}

/**
 * The way in for verified bytes, whoever brings them: tested as they came, since after a hash a dead
 * source passes everything; then conditioned; then buffered.
 */
export class Inlet {
  /** Accepted bytes that were dropped while the conditioner waited for more. */
  readonly lost = new Tally<LossReason>(lossReasons);
  readonly #options: InletOptions;
  readonly #check: SpotCheck;
  readonly #entries = new Set<Entry>();
  /** When the oldest byte that the conditioner carries was new, monotonic milliseconds. */
  #carriedBorn = 0;
  /** Bit mask of the sources of what the conditioner carries. */
  #carriedSources = 0;
  #accepted = 0;

  constructor(options: InletOptions) {
    this.#options = options;
    this.#check = new SpotCheck(options.monitor, options.clock.monotonic);
  }

  /** Verified bytes that came in. */
  acceptedBytes(): number {
    return this.#accepted;
  }

  /** Whether `add` would take so many bytes. */
  hasRoom(bytes: number): boolean {
    return this.#options.buffer.hasRoom(this.#outputBytes(bytes));
  }

  async untilRoom(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#options.buffer.untilRoom(this.#outputBytes(bytes), signal);
  }

  /**
   * Takes ownership of `data`, for which there is room. What would hold the event loop for long is
   * conditioned in slices, between which others have their turn; one slice is done at once.
   * Resolves when nothing of it is left to do.
   */
  async add(data: Buffer, { age, sources = 0, memory }: Arrival): Promise<void> {
    const { conditioner, clock } = this.#options;
    this.#accepted += data.length;
    this.#check.update(data);
    const entry: Entry = { rest: data, born: clock.monotonic() - Math.max(0, age), sources };
    this.#entries.add(entry);
    for (;;) {
      const slice = entry.rest.subarray(0, conditioner.sliceBytes);
      entry.rest = entry.rest.subarray(slice.length);
      this.#pass(slice, entry, slice.length === data.length ? memory : undefined);
      if (entry.rest.length === 0) break;
      await setImmediate();
      if (entry.rest.length === 0) break; // revoked meanwhile
    }
    this.#entries.delete(entry);
  }

  /** Zeroes what the conditioner has carried for too long. */
  expire(): void {
    const { conditioner, clock, maxAge } = this.#options;
    if (conditioner.carriedBytes() === 0 || clock.monotonic() - this.#carriedBorn < maxAge) return;
    this.lost.add("expired", conditioner.discardCarried());
  }

  /**
   * Zeroes what any of these sources has brought, or had a part in, and nobody has drawn.
   * @returns how many bytes that was, as they came in
   */
  revoke(sources: number): number {
    const { conditioner, buffer } = this.#options;
    const isCarried = (this.#carriedSources & sources) !== 0;
    const carried = isCarried ? conditioner.discardCarried() : 0;
    const waiting = this.#dropEntries((entry) => (entry.sources & sources) !== 0);
    this.lost.add("alarm", carried + waiting);
    return carried + waiting + conditioner.sourceBytes(buffer.revoke(sources));
  }

  /** Zeroes what is held on the way. */
  close(): void {
    this.#options.monitor.close();
    this.#options.conditioner.close();
    this.#dropEntries(() => true);
  }

  /** How many bytes the buffer would get of these, and of those before them. */
  #outputBytes(bytes: number): number {
    const before = [...this.#entries].reduce((sum, { rest }) => sum + rest.length, 0);
    return this.#options.conditioner.outputBytes(before + bytes);
  }

  #pass(slice: Buffer, { born, sources }: Entry, memory: Buffer | undefined): void {
    const { conditioner, buffer, clock } = this.#options;
    this.expire();
    const carries = conditioner.carriedBytes() > 0;
    const oldest = carries ? Math.min(born, this.#carriedBorn) : born;
    const allSources = carries ? sources | this.#carriedSources : sources;
    const conditioned = conditioner.condition(slice);
    const gave = conditioned.length > 0;
    this.#carriedBorn = gave ? born : oldest;
    this.#carriedSources = gave ? sources : allSources;
    if (!gave) return;
    const isInPlace = conditioned.buffer === slice.buffer;
    const own = isInPlace ? memory : conditioned;
    buffer.add(conditioned, clock.monotonic() - oldest, allSources, own);
  }

  /** Zeroes the rest of each entry that `isGone`; returns how many bytes that was. */
  #dropEntries(isGone: (entry: Entry) => boolean): number {
    let dropped = 0;
    for (const entry of this.#entries) {
      if (!isGone(entry)) continue;
      dropped += entry.rest.length;
      entry.rest.fill(0);
      entry.rest = entry.rest.subarray(0, 0);
    }
    return dropped;
  }
}
