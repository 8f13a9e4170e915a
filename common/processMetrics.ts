import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";
import { exposeGauge } from "./metrics.ts";
import { version } from "./version.ts";

/** What runs, how busy its one thread is, and what memory it holds (named as prom-client does). */
export function exposeProcess(registry: Registry): { stop(): void } {
  const info = { version, node: process.version };
  new Gauge({
    name: "qrng_build_info",
    help: "1, with what runs.",
    labelNames: ["version", "node"],
    registers: [registry],
  }).set(info, 1);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const seconds = (nanoseconds: number): number => nanoseconds / 1e9;
  exposeGauge(
    registry,
    "qrng_event_loop_delay_p99_seconds",
    "How late timers come, 99th percentile since the last scrape.",
    () => {
      const p99 = seconds(delay.percentile(99));
      delay.reset();
      return p99;
    },
  );
  exposeGauge(registry, "process_resident_memory_bytes", "Memory that the process holds.", () =>
    process.memoryUsage.rss(),
  );
  exposeGauge(
    registry,
    "nodejs_heap_size_used_bytes",
    "JavaScript objects, with those that wait for collection.",
    () => process.memoryUsage().heapUsed,
  );
  exposeGauge(
    registry,
    "nodejs_external_memory_bytes",
    "Memory outside the heap that its objects own, such as buffers.",
    () => process.memoryUsage().external,
  );
  return { stop: () => delay.disable() };
}
