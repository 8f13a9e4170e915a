import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";
import { exposeGauge } from "./metrics.ts";
import { version } from "./version.ts";

/** What runs, and how busy its one thread is. */
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
  return { stop: () => delay.disable() };
}
