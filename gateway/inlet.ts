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

/**
 * The way in for verified bytes, whoever brings them: tested as they came, since after a hash a dead
 * source passes everything; then conditioned; then buffered.
 */
export class Inlet {
  /** Accepted bytes that were dropped while the conditioner waited for more. */
  readonly lost = new Tally<LossReason>(lossReasons);
  readonly #options: InletOptions;
  readonly #check: SpotCheck;
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
    const { buffer, conditioner } = this.#options;
    return buffer.hasRoom(conditioner.outputBytes(bytes));
  }

  async untilRoom(bytes: number, signal: AbortSignal): Promise<void> {
    const { buffer, conditioner } = this.#options;
    await buffer.untilRoom(conditioner.outputBytes(bytes), signal);
  }

  /**
   * Takes ownership of `data`, for which there is room.
   * @param age milliseconds that the bytes are old already
   * @param sources bit mask of the sources that they came from, for `revoke`
   */
  add(data: Buffer, age: number, sources = 0): void {
    const { conditioner, buffer, clock } = this.#options;
    this.#accepted += data.length;
    this.#check.update(data);
    this.expire();
    const now = clock.monotonic();
    const born = now - Math.max(0, age);
    const carries = conditioner.carriedBytes() > 0;
    const oldest = carries ? Math.min(born, this.#carriedBorn) : born;
    const allSources = carries ? sources | this.#carriedSources : sources;
    const conditioned = conditioner.condition(data);
    const gave = conditioned.length > 0;
    this.#carriedBorn = gave ? born : oldest;
    this.#carriedSources = gave ? sources : allSources;
    if (gave) buffer.add(conditioned, now - oldest, allSources);
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
    this.lost.add("alarm", carried);
    return carried + conditioner.sourceBytes(buffer.revoke(sources));
  }

  /** Zeroes what is held on the way. */
  close(): void {
    this.#options.monitor.close();
    this.#options.conditioner.close();
  }
}
