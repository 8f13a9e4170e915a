/** What a work queue should do, told as plainly as can be. */
export class QueueModel {
  readonly started: string[] = [];
  /** Keys that run, and whether they were added meanwhile. */
  readonly running = new Map<string, boolean>();
  readonly line: string[] = [];
  /** When keys will be added, in milliseconds from the start. */
  readonly due = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #workers: number;
  #now = 0;

  constructor(workers: number) {
    this.#workers = workers;
  }

  add(key: string): void {
    if (this.running.has(key)) this.running.set(key, true);
    else if (!this.line.includes(key)) this.line.push(key);
    this.#start();
  }

  addAfter(key: string, ms: number): void {
    if (ms === 0) return this.add(key);
    if ((this.due.get(key) ?? Infinity) <= this.#now + ms) return;
    this.due.delete(key); // it takes its place among those that are due at the same time
    this.due.set(key, this.#now + ms);
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    while (this.#now < end) {
      this.#now++;
      // What is due at one moment comes in the order in which it was asked for.
      for (const [key, at] of this.due) {
        if (at !== this.#now || this.due.get(key) !== at) continue;
        this.due.delete(key);
        this.add(key);
      }
    }
  }

  end(key: string, outcome: { readonly after: number } | "failed" | undefined): void {
    const dirty = this.running.get(key);
    if (dirty === undefined) return;
    this.running.delete(key);
    if (dirty) this.line.push(key);
    const failures = outcome === "failed" ? (this.#failures.get(key) ?? 0) + 1 : 0;
    this.#failures.set(key, failures);
    if (outcome === "failed") this.addAfter(key, 5 * 2 ** (failures - 1));
    else if (outcome !== undefined) this.addAfter(key, outcome.after);
    this.#start();
  }

  #start(): void {
    while (this.running.size < this.#workers && this.line.length > 0) {
      const key = this.line.shift()!;
      this.due.delete(key);
      this.running.set(key, false);
      this.started.push(key);
    }
  }
}
