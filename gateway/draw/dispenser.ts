import type { Draw } from "../buffer.ts";
import type { ApiKey } from "../api/keys.ts";
import { chargeBytes, refundBytes } from "../api/limits.ts";
import { after } from "../limit/limit.ts";
import { Problem } from "../problem.ts";
import type { WaitQueue } from "./waitQueue.ts";

export interface DispenserOptions {
  readonly queue: WaitQueue;
  /** Random bytes of one request. */
  readonly maxRequestBytes: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Who draws, and how patiently. */
export interface Drawer {
  readonly key: ApiKey;
  /** Milliseconds to wait for fresh bytes; 0 does not wait. */
  readonly wait: number;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

/** The one way to draw, for REST and MCP alike: bounds, charge, then the bytes. */
export class Dispenser {
  readonly maxRequestBytes: number;
  readonly #options: DispenserOptions;

  constructor(options: DispenserOptions) {
    this.#options = options;
    this.maxRequestBytes = options.maxRequestBytes;
  }

  /** Fresh bytes that nobody waits for. */
  available(): number {
    return this.#options.queue.available();
  }

  /**
   * At once; a promise only where other replicas have a say in the key's limits.
   * @throws Problem 400, 429 or 503; nothing was taken then
   */
  drawNow(key: ApiKey, bytes: number): Draw | Promise<Draw> {
    return after(
      this.#charge(key, bytes),
      () => this.#options.queue.takeNow(bytes) ?? this.#refuse(key, bytes),
    );
  }

  /**
   * As soon as there are enough fresh bytes, within the drawer's wait.
   * @throws Problem 400, 429 or 503; nothing was taken then
   */
  async draw({ key, wait, signal }: Drawer, bytes: number): Promise<Draw> {
    if (wait === 0) return this.drawNow(key, bytes);
    await this.#charge(key, bytes);
    return (await this.#options.queue.take(bytes, wait, signal)) ?? this.#refuse(key, bytes);
  }

  #charge(key: ApiKey, bytes: number): void | Promise<void> {
    if (bytes > this.maxRequestBytes) {
      const detail = `asks for ${bytes} random bytes; one request may draw ${this.maxRequestBytes}`;
      throw new Problem(400, "ERR_QUERY", detail);
    }
    return chargeBytes(key, bytes, this.#options.now());
  }

  #refuse(key: ApiKey, bytes: number): never {
    refundBytes(key, bytes, this.#options.now());
    throw new Problem(503, "ERR_NO_ENTROPY", "fewer fresh bytes than asked for; none was taken", {
      "retry-after": "1",
      connection: "close", // so that the client's next try finds another replica
    });
  }
}
