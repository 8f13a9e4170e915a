import type { FileHandle } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { sleep } from "../wait.ts";

/** How many bytes were read; `ended` without a writer, `empty` when it has nothing yet. */
export type Reading = number | "ended" | "empty";

/** An open device or FIFO, of which one asks at a time. */
export interface Reader {
  /** What is there now, as much of it as there is room for; never waits. */
  read(room: Buffer): Promise<Reading>;
  /** Resolves when there may be more, after so many milliseconds, or when `signal` aborts. */
  untilMore(milliseconds: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Milliseconds between looks at what tells nobody that it has something. */
const pollInterval = 5;

/** Looks now and then: epoll knows not every device. */
export class PollingReader implements Reader {
  readonly #handle: FileHandle;

  /** Owns the handle from now on, which was opened with O_NONBLOCK. */
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(room: Buffer): Promise<Reading> {
    try {
      const { bytesRead } = await this.#handle.read(room, 0, room.length, null);
      return bytesRead === 0 ? "ended" : bytesRead;
    } catch (error) {
      if (errorCode(error) === "EAGAIN") return "empty";
      throw error;
    }
  }

  async untilMore(milliseconds: number, signal: AbortSignal): Promise<void> {
    await sleep(Math.min(milliseconds, pollInterval), signal);
  }

  close(): void {
    void this.#handle.close().catch(() => undefined);
  }
}
