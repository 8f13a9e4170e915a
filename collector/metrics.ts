import type { Registry } from "prom-client";
import { exposeCount, exposeGauge, exposeTally } from "../common/metrics.ts";
import type { Accumulator } from "./accumulator.ts";
import type { Pusher } from "./push/pusher.ts";

interface Parts {
  readonly accumulator: Accumulator;
  readonly pusher: Pusher;
}

/** The metrics of what the collector holds and pushes, read when scraped. */
export function exposeMetrics(registry: Registry, { accumulator, pusher }: Parts): void {
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
}
