import type { Sink } from "../../../../common/supply/sink.ts";
import { Notice } from "../../../../common/wait.ts";

/** Remembers what came, and holds it until it is taken. */
export class RecordingSink implements Sink {
  readonly held: { data: Buffer; fetchedAt: number; sources: number }[] = [];
  readonly revoked: number[] = [];
  revokedBytes = 0;
  readonly #room = new Notice();
  #free: number;

  constructor(chunks: number) {
    this.#free = chunks;
  }

  async untilRoom(_bytes: number, signal: AbortSignal): Promise<void> {
    while (this.#free <= 0 && !signal.aborted) await this.#room.wait(signal);
  }

  add(data: Buffer, fetchedAt: number, sources: number): void {
    this.#free -= 1;
    this.held.push({ data, fetchedAt, sources });
  }

  revoke(sources: number): number {
    this.revoked.push(sources);
    const gone = this.held.filter((piece) => (piece.sources & sources) !== 0);
    for (const piece of gone) {
      this.held.splice(this.held.indexOf(piece), 1);
      piece.data.fill(0);
    }
    const bytes = gone.reduce((sum, { data }) => sum + data.length, 0);
    this.revokedBytes += bytes;
    return bytes;
  }

  letIn(chunks: number): void {
    this.#free += chunks;
    this.#room.notify();
  }

  bytes(): Buffer {
    return Buffer.concat(this.held.map(({ data }) => data));
  }
}
