import type { Draw, EntropyBuffer } from "../../gateway/buffer.ts";
import { WaitQueue } from "../../gateway/draw/waitQueue.ts";

const chunkBytes = 65_536;
/** Draws that clients have not read to their end hold memory that must not be fed again. */
export const inFlightBytes = 4 * 2 ** 20;

/**
 * Fills its buffer before anybody draws from it, with the same memory again and again: what was
 * drawn has been zeroed and is free by the time that its turn comes.
 */
export class FedQueue extends WaitQueue {
  readonly #buffer: EntropyBuffer;
  readonly #chunks: readonly Buffer[];
  #next = 0;

  constructor(buffer: EntropyBuffer) {
    super(buffer, 1_000);
    this.#buffer = buffer;
    const count = Math.ceil((buffer.capacity + inFlightBytes) / chunkBytes);
    this.#chunks = Array.from({ length: count }, () => Buffer.alloc(chunkBytes));
  }

  override available(): number {
    this.#feed();
    return super.available();
  }

  override takeNow(bytes: number): Draw | undefined {
    this.#feed();
    return super.takeNow(bytes);
  }

  #feed(): void {
    const { capacity } = this.#buffer;
    if (this.#buffer.available() > capacity / 2) return;
    while (this.#buffer.available() + chunkBytes <= capacity) {
      this.#buffer.add(this.#chunks[this.#next]!, 0);
      this.#next = (this.#next + 1) % this.#chunks.length;
    }
  }
}
