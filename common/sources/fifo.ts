import { constants, openSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { Socket } from "node:net";
import { Notice } from "../wait.ts";
import { PollingReader, type Reader, type Reading } from "./reader.ts";

/** What a FIFO of Linux holds. */
const windowBytes = 65_536;

/**
 * Two states: `looking` now and then for a writer, and `listening` while something writes. It holds
 * no more than 64 KiB at a time, so that whoever only looks gets 13 MB/s of a writer that could give
 * a hundred times as much: a listener is told by the system when there is more. It reads by a
 * descriptor of its own; the first one stays open all along, so that no writer that comes when
 * another has gone finds that nobody reads.
 */
export class FifoReader implements Reader {
  readonly #fd: number;
  readonly #looking: PollingReader;
  #listening: Socket | undefined;
  readonly #window = Buffer.allocUnsafeSlow(windowBytes);
  /** What the listener has read into the window and nobody has taken; it reads on after that. */
  #unread = this.#window.subarray(0, 0);
  readonly #more = new Notice();

  /** Owns the handle from now on, which was opened with O_NONBLOCK. */
  constructor(handle: FileHandle) {
    this.#fd = handle.fd;
    this.#looking = new PollingReader(handle);
  }

  async read(room: Buffer): Promise<Reading> {
    if (this.#unread.length > 0) return this.#take(room);
    if (this.#listening !== undefined) {
      this.#listening.resume();
      return "empty";
    }
    const reading = await this.#looking.read(room);
    if (reading !== "ended") this.#listening = this.#listen();
    return reading;
  }

  async untilMore(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#listening === undefined) await this.#looking.untilMore(milliseconds, signal);
    else if (this.#unread.length === 0) await this.#more.wait(signal, milliseconds);
  }

  close(): void {
    this.#listening?.destroy();
    this.#unread.fill(0);
    this.#looking.close();
  }

  #take(room: Buffer): number {
    const taken = this.#unread.subarray(0, room.length);
    room.set(taken);
    taken.fill(0);
    this.#unread = this.#unread.subarray(taken.length);
    return taken.length;
  }

  #listen(): Socket {
    // The same FIFO even where its path names another by now; nothing waits in an open without one.
    const fd = openSync(`/dev/fd/${this.#fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const socket = new Socket({
      fd,
      readable: true,
      writable: false,
      onread: {
        buffer: this.#window,
        callback: (length) => {
          this.#unread = this.#window.subarray(0, length);
          this.#more.notify();
          return false; // until it is taken
        },
      },
    });
    socket.once("close", () => {
      this.#listening = undefined; // the writer has gone; whatever else it is, a look will tell
      this.#more.notify();
    });
    return socket.on("error", () => undefined);
  }
}
