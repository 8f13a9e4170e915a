/** Blocks of one page. */
const pageBlocks = 65_536;

interface Page {
  readonly seen: Uint8Array;
  count: number;
}

/** Which of the blocks 0, 1, 2, … have been seen: each must be once. Whole pages are forgotten. */
export class Ledger {
  readonly #pages = new Map<number, Page>();
  readonly #whole = new Set<number>();
  #repeated = 0;

  add(block: number): void {
    const number = Math.floor(block / pageBlocks);
    const at = block % pageBlocks;
    const page = this.#pages.get(number) ?? { seen: new Uint8Array(pageBlocks), count: 0 };
    if (this.#whole.has(number) || page.seen[at] === 1) {
      this.#repeated += 1;
      return;
    }
    page.seen[at] = 1;
    page.count += 1;
    if (page.count < pageBlocks) this.#pages.set(number, page);
    else {
      this.#pages.delete(number);
      this.#whole.add(number);
    }
  }

  /** Blocks that came more than once. */
  repeated(): number {
    return this.#repeated;
  }

  /** How many blocks came. */
  count(): number {
    const partial = [...this.#pages.values()].reduce((sum, { count }) => sum + count, 0);
    return this.#whole.size * pageBlocks + partial;
  }

  /** Whether the blocks that came are 0 … `blocks` − 1, and no others. */
  isWhole(blocks: number): boolean {
    const pages = Math.floor(blocks / pageBlocks);
    const rest = this.#pages.get(pages)?.seen.subarray(0, blocks % pageBlocks) ?? [];
    return (
      this.count() === blocks && this.#whole.size === pages && rest.every((seen) => seen === 1)
    );
  }
}
