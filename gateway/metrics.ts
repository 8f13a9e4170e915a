import { Counter, type Registry } from "prom-client";
import type { Clock } from "../common/clock.ts";
import { exposeCount, exposeGauge, exposeTally } from "../common/metrics.ts";
import type { Reloaded } from "../common/reload.ts";
import type { ApiKeys } from "./api/keys.ts";
import type { Store } from "./store.ts";
import type { PushIntake } from "./intake.ts";
import type { SharedStore } from "./limit/sharedStore.ts";

/** The metrics of serving, read when scraped. */
export function exposeServing(registry: Registry, { inlet, monitor, buffer, queue }: Store): void {
  exposeCount(
    registry,
    "qrng_gateway_accepted_bytes_total",
    "Verified bytes that came in, before conditioning.",
    () => inlet.acceptedBytes(),
  );
  exposeTally(
    registry,
    "qrng_gateway_carried_lost_bytes_total",
    "Accepted bytes that were dropped while conditioning waited for more, by reason.",
    "reason",
    inlet.lost,
  );
  exposeCount(
    registry,
    "qrng_gateway_quality_blocks_total",
    "Blocks of 20,000 incoming bits that were tested, before conditioning.",
    () => monitor.report().blocks,
  );
  exposeTally(
    registry,
    "qrng_gateway_quality_failures_total",
    "FIPS 140-2 tests that incoming blocks failed, before conditioning.",
    "test",
    monitor.failures,
  );
  exposeGauge(
    registry,
    "qrng_gateway_quality_alarm",
    "1 while incoming blocks fail too often.",
    () => (monitor.report().alarm === undefined ? 0 : 1),
  );
  exposeGauge(
    registry,
    "qrng_gateway_waiting_requests",
    "Requests that wait for fresh bytes.",
    () => queue.size,
  );
  exposeTally(
    registry,
    "qrng_gateway_bytes_total",
    "Random bytes by where they went; received, less all others, is in the buffer.",
    "flow",
    buffer.flow,
  );
  exposeGauge(registry, "qrng_gateway_buffer_bytes", "Fresh bytes in the buffer.", () =>
    buffer.available(),
  );
  exposeGauge(
    registry,
    "qrng_gateway_oldest_byte_age_seconds",
    "Age of the oldest byte in the buffer, 0 when it is empty.",
    () => (buffer.ages()?.oldest ?? 0) / 1000,
  );
  exposeGauge(
    registry,
    "qrng_gateway_buffer_capacity_bytes",
    "Bytes that the buffer can hold.",
    () => buffer.capacity,
  );
}

/** Whether bytes still come in; read when scraped. @param startedAt monotonic milliseconds */
export function exposeStaleness(
  registry: Registry,
  { buffer }: Store,
  { clock, startedAt }: { readonly clock: Clock; readonly startedAt: number },
): void {
  exposeGauge(
    registry,
    "qrng_gateway_stale_seconds",
    "Since bytes last came in or found no room; since the start before the first.",
    () => (clock.monotonic() - (buffer.offeredAt() ?? startedAt)) / 1_000,
  );
}

interface LimitParts {
  readonly keys: Reloaded<ApiKeys>;
  readonly sharedStore: SharedStore | undefined;
}

/** What limits have refused, and whether replicas count them together; read when scraped. */
export function exposeLimits(registry: Registry, { keys, sharedStore }: LimitParts): void {
  new Counter({
    name: "qrng_gateway_rate_limited_total",
    help: "Charges that a key's limit refused, by the key's name and the limit.",
    labelNames: ["key", "limit"],
    registers: [registry],
    collect() {
      this.reset(); // also of keys that are gone
      for (const { name: key, limits } of keys.current().all) {
        for (const [limit, count] of limits.refusals.entries()) this.inc({ key, limit }, count);
      }
    },
  });
  exposeGauge(
    registry,
    "qrng_gateway_limits_shared",
    "1 while replicas count limits together through Redis, 0 while each counts alone.",
    () => (sharedStore?.isShared() === true ? 1 : 0),
  );
}

/** The metrics of the push listener. */
export function exposeIntake(registry: Registry, { answers, receiver, seen }: PushIntake): void {
  exposeTally(
    registry,
    "qrng_gateway_pushes_total",
    "Pushes by how they were answered.",
    "answer",
    answers,
  );
  exposeCount(
    registry,
    "qrng_gateway_sequence_gaps_total",
    "Packets that did not follow the one before under the same key.",
    () => receiver.sequenceGaps(),
  );
  exposeGauge(
    registry,
    "qrng_gateway_clock_skew_seconds",
    "How far the collector's clock is ahead while its packets are refused for that; else 0.",
    () => receiver.clockSkew() ?? 0,
  );
  exposeGauge(
    registry,
    "qrng_gateway_seen_signatures",
    "Signatures that are remembered against replays.",
    () => seen.size,
  );
}
