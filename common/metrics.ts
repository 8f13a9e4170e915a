import { Counter, Gauge, type Registry } from "prom-client";

/** Monotonic counts by one closed label, as plain numbers that are handed over at scrape. */
export class Tally<Label extends string> {
  readonly #counts: Map<Label, number>;

  constructor(labels: readonly Label[]) {
    this.#counts = new Map(labels.map((label) => [label, 0]));
  }

  add(label: Label, amount = 1): void {
    this.#counts.set(label, this.get(label) + amount);
  }

  get(label: Label): number {
    return this.#counts.get(label) ?? 0;
  }

  total(): number {
    return this.entries().reduce((sum, [, count]) => sum + count, 0);
  }

  entries(): (readonly [Label, number])[] {
    return [...this.#counts];
  }
}

/** A counter whose values are read when scraped, a label value for each entry. */
export function exposeTally<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  tally: Tally<Label>,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of tally.entries()) this.inc({ [label]: value }, count);
    },
  });
}

/** A counter without labels, read when scraped. */
export function exposeCount(
  registry: Registry,
  name: string,
  help: string,
  read: () => number,
): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

/** A gauge without labels, read when scraped. */
export function exposeGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
