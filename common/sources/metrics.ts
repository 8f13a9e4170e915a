import { Counter, Gauge, type Registry } from "prom-client";
import type { FetchLoop } from "./fetchLoop.ts";

/** The metrics of whoever fetches, the collector or a gateway in Direct mode; read when scraped. */
export function exposeSources(registry: Registry, loops: readonly FetchLoop[]): void {
  new Counter({
    name: "qrng_source_fetches_total",
    help: "Fetches by source and outcome.",
    labelNames: ["source", "outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { source, outcomes } of loops) {
        for (const [outcome, count] of outcomes.entries()) this.inc({ source, outcome }, count);
      }
    },
  });
  new Counter({
    name: "qrng_source_fetched_bytes_total",
    help: "Bytes that sources gave and that were kept.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      this.reset();
      for (const loop of loops) this.inc({ source: loop.source }, loop.fetchedBytes());
    },
  });
  new Gauge({
    name: "qrng_source_up",
    help: "Whether the source's latest fetch gave bytes.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      for (const loop of loops) this.set({ source: loop.source }, loop.latest() === "ok" ? 1 : 0);
    },
  });
}
