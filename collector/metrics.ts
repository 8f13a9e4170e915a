import { Gauge, type Registry } from "prom-client";
import { nanosecondsToMilliseconds, type Clock } from "../common/clock.ts";
import { exposeCount, exposeGauge, exposeTally } from "../common/metrics.ts";
import type { Accumulator } from "./accumulator.ts";
import type { Pusher } from "./push/pusher.ts";

interface Parts {
  readonly accumulator: Accumulator;
  readonly pusher: Pusher;
  readonly clock: Clock;
}

/** The metrics of what the collector holds and pushes, read when scraped. */
export function exposeMetrics(registry: Registry, parts: Parts): void {
  exposeHeld(registry, parts);
  exposePushes(registry, parts);
}

function exposeHeld(registry: Registry, { accumulator, clock }: Parts): void {
  exposeTally(
    registry,
    "qrng_collector_lost_bytes_total",
    "Bytes dropped, by reason.",
    "reason",
    accumulator.lost,
  );
  exposeGauge(registry, "qrng_collector_buffer_bytes", "Bytes held between fetch and push.", () =>
    accumulator.heldBytes(),
  );
  exposeGauge(
    registry,
    "qrng_collector_buffer_capacity_bytes",
    "Bytes held at most.",
    () => accumulator.capacity,
  );
  exposeGauge(
    registry,
    "qrng_collector_paused",
    "1 while nothing is let into the buffer, until it is down to its low-water mark.",
    () => Number(accumulator.isPaused()),
  );
  exposeGauge(
    registry,
    "qrng_collector_oldest_byte_age_seconds",
    "Time since the oldest byte held was fetched; 0 when none is held.",
    () => Math.max(0, clock.monotonic() - accumulator.oldestFetchedAt()) / 1_000,
  );
}

function exposePushes(registry: Registry, { pusher }: Parts): void {
  exposeTally(
    registry,
    "qrng_collector_pushes_total",
    "Pushes by outcome.",
    "outcome",
    pusher.outcomes,
  );
  exposeCount(
    registry,
    "qrng_collector_delivered_bytes_total",
    "Bytes that a gateway has taken.",
    () => pusher.deliveredBytes(),
  );
  exposeGauge(
    registry,
    "qrng_collector_last_delivery_timestamp_seconds",
    "Unix time of the latest delivery; 0 before the first.",
    () => nanosecondsToMilliseconds(pusher.deliveredAt() ?? 0n) / 1_000,
  );
  new Gauge({
    name: "qrng_collector_instances",
    help: "Gateway instances in use, by whether they rest after a push that failed.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      const { known, resting } = pusher.instances();
      this.set({ state: "ready" }, known - resting);
      this.set({ state: "resting" }, resting);
    },
  });
}
