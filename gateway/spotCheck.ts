import { randomInt } from "node:crypto";
import type { FipsMonitor } from "../common/health/fipsMonitor.ts";
import { TokenBucket } from "./limit/tokenBucket.ts";

/** Of one chunk, so that no packet holds the event loop for more than two milliseconds. */
export const mostOfChunk = 256 * 1024;
/** In the long run: a tenth of a core. */
export const bytesPerSecond = 16 * 2 ** 20;

/**
 * Tests what comes in, all of it at the rates of quantum hardware (16 MiB a second, in packets of up
 * to 256 KiB). Of more it tests a part of each chunk, at a place that nobody can foresee: failures
 * are told as a share of the blocks that were tested, and a broken source's are everywhere. The
 * collector has tested every byte before.
 */
export class SpotCheck {
  readonly #monitor: FipsMonitor;
  readonly #budget: TokenBucket;
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(monitor: FipsMonitor, now: () => number) {
    this.#monitor = monitor;
    this.#budget = new TokenBucket({ capacity: bytesPerSecond, perSecond: bytesPerSecond }, now());
    this.#now = now;
  }

  /** The bytes are left as they are. */
  update(chunk: Uint8Array): void {
    const now = this.#now();
    const size = Math.min(chunk.length, mostOfChunk, this.#budget.left(now));
    this.#budget.take(size, now);
    if (size === chunk.length) {
      this.#monitor.update(chunk);
      return;
    }
    // A part follows neither what came before it nor is followed by what comes next.
    const at = randomInt(chunk.length - size + 1);
    this.#monitor.close();
    this.#monitor.update(chunk.subarray(at, at + size));
    this.#monitor.close();
  }
}
