import { readFile } from "node:fs/promises";
import type { Moment } from "./moment.ts";

/** This machine's clock for waits: which of its starts it is, and how long ago that was. */
export async function bootClock(): Promise<() => Moment> {
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  // Node's is CLOCK_MONOTONIC.
  return () => ({ boot, seconds: Number(process.hrtime.bigint() / 1_000_000n) / 1_000 });
}
