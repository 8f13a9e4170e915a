import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Supply } from "./supply.ts";

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How long fetches take; made first, since the supply reports to it. */
export function createFetchTimer(registry: Registry): (source: string, seconds: number) => void {
  const histogram = new Histogram({
    name: "qrng_source_fetch_duration_seconds",
    help: "How long fetches that gave bytes took.",
    labelNames: ["source"],
    buckets: seconds,
    registers: [registry],
  });
  return (source, duration) => histogram.observe({ source }, duration);
}

/** The metrics of whoever fetches, the collector or a gateway in Direct mode; read when scraped. */
export function exposeSupply(registry: Registry, supply: Supply): void {
  const { loops, missing } = supply;
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
    help: "Bytes that sources gave.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      this.reset();
      for (const loop of loops) this.inc({ source: loop.source }, loop.fetchedBytes());
    },
  });
  new Counter({
    name: "qrng_source_discarded_bytes_total",
    help: "Of these, bytes that went no further than tests and mix, by reason.",
    labelNames: ["source", "reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { source, discarded } of loops) {
        for (const [reason, count] of discarded.entries()) this.inc({ source, reason }, count);
      }
    },
  });
  new Gauge({
    name: "qrng_source_held_bytes",
    help: "Of these, bytes that wait for the rest of their window, or to be mixed.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      for (const loop of loops) this.set({ source: loop.source }, supply.heldBytes(loop));
    },
  });
  new Counter({
    name: "qrng_source_alarms_total",
    help: "Alarms by source and the health test that it failed.",
    labelNames: ["source", "test"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { source, alarms } of loops) {
        for (const [test, count] of alarms.entries()) this.inc({ source, test }, count);
      }
    },
  });
  new Counter({
    name: "qrng_source_gone_bytes_total",
    help: "Bytes with a part of the source in them that had left before an alarm cut it off.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      this.reset();
      for (const loop of loops) this.inc({ source: loop.source }, loop.goneBytes());
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
  new Gauge({
    name: "qrng_source_quarantined",
    help: "1 while the source is cut off by a test that it failed.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      for (const loop of loops) {
        this.set({ source: loop.source }, loop.standing().state === "trusted" ? 0 : 1);
      }
    },
  });
  new Gauge({
    name: "qrng_source_failed",
    help: "1 once the source has failed a test as chance never does; it stays cut off.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      for (const loop of loops) {
        this.set({ source: loop.source }, loop.standing().state === "failed" ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: "qrng_source_waited_for",
    help: "1 while nothing goes on for want of this source.",
    labelNames: ["source"],
    registers: [registry],
    collect() {
      const waited = new Set(missing().map(({ source }) => source));
      for (const { source } of loops) this.set({ source }, waited.has(source) ? 1 : 0);
    },
  });
}
