import type { Draw } from "../buffer.ts";

/**
 * What the calls of one exchange drew, in flight until its answer has left: slow readers hold no
 * more than the buffer's size.
 */
export class HeldDraws {
  readonly #draws: Draw[] = [];
  #hasLeft = false;

  hold(draw: Draw): void {
    if (this.#hasLeft) draw.release();
    else this.#draws.push(draw);
  }

  /** When the answer has left, or cannot leave any more. */
  release(): void {
    this.#hasLeft = true;
    for (const draw of this.#draws.splice(0)) draw.release();
  }
}
