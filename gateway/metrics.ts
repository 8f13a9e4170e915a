import type { Registry } from "prom-client";
import { exposeCount, exposeGauge, exposeTally } from "../common/metrics.ts";
import type { Api } from "./api/app.ts";
import type { EntropyBuffer } from "./buffer.ts";
import type { WaitQueue } from "./draw/waitQueue.ts";
import type { PushIntake } from "./intake.ts";

/** The metrics of serving, read when scraped. */
export function exposeServing(
  registry: Registry,
  { buffer, queue, api }: { buffer: EntropyBuffer; queue: WaitQueue; api: Api },
): void {
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
    "qrng_gateway_buffer_capacity_bytes",
    "Bytes that the buffer can hold.",
    () => buffer.capacity,
  );
  exposeTally(
    registry,
    "qrng_gateway_answers_total",
    "Answers of the API by status.",
    "status",
    api.answers,
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
    "Packets that did not follow the one before.",
    () => receiver.sequenceGaps(),
  );
  exposeGauge(
    registry,
    "qrng_gateway_seen_signatures",
    "Signatures that are remembered against replays.",
    () => seen.size,
  );
}
