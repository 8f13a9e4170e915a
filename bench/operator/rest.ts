import { setTimeout as delay } from "node:timers/promises";
import type { Subject } from "./subject.ts";

export interface Rest {
  readonly minutes: number;
  /** Writes to the cluster, the lease's renewals not counted. */
  readonly writes: number;
  /** Reconciles that were due: rotation, renewal. */
  readonly due: number;
  readonly reads: number;
  readonly processorPercent: number;
  readonly memory: number;
}

/** What an operator does while nothing happens. */
export async function observeRest(subject: Subject, minutes: number): Promise<Rest> {
  const [before, busy] = [await subject.counts(), await subject.processorSeconds()];
  await delay(minutes * 60_000);
  const [after, end] = [await subject.counts(), await subject.processorSeconds()];
  const more = (method: string): number =>
    (after.requests[method] ?? 0) - (before.requests[method] ?? 0);
  return {
    minutes,
    writes: more("POST") + more("PATCH") + more("DELETE"), // the lease is renewed by PUT
    due: after.reconciles - before.reconciles,
    reads: more("GET"),
    processorPercent: ((end - busy) / (minutes * 60)) * 100,
    memory: (await subject.memory()).now,
  };
}
