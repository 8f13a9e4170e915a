import { z } from "zod";
import { conditioningTypes, type ConditioningType } from "../common/conditioning/conditioner.ts";
import { describeTrouble, type Trouble } from "../common/supply/supply.ts";
import { qualityBody, type QualityReport } from "./quality.ts";

const seconds = () => z.number().nonnegative();
const count = () => z.number().int().nonnegative();

/** When a packet that is signed with a key was last taken. */
export const lastPushBody = z.strictObject({
  key_id: z.string(),
  last_push: z.iso.datetime().nullable().describe("null: none since the start"),
});

/** The body of `GET /api/status`. */
export const statusBody = z.strictObject({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  simulated: z.boolean().describe("the bytes come from a simulated appliance"),
  deployment_mode: z.enum(["Push", "Direct"]),
  version: z.string(),
  buffer_fill_percent: z.number().min(0).max(100),
  buffer_bytes_available: count(),
  buffer_bytes_capacity: count(),
  last_data_received: z.iso.datetime().nullable().describe("null: nothing since the start"),
  last_pushes: z
    .array(lastPushBody)
    .describe("by the key that collectors sign with; empty in Direct mode"),
  clock_skew_seconds: z
    .int()
    .nullable()
    .describe(
      "how far a collector's clock is ahead (below 0: behind) while its packets are refused for that",
    ),
  data_freshness_seconds: seconds().nullable().describe("seconds since last_data_received"),
  oldest_data_age_seconds: seconds().nullable().describe("null: the buffer is empty"),
  newest_data_age_seconds: seconds().nullable(),
  uptime_seconds: seconds(),
  total_requests_served: count(),
  total_bytes_served: count(),
  total_bytes_received: count(),
  requests_per_second: z.number().nonnegative().describe("over the last ten seconds"),
  bytes_in_per_second: z.number().nonnegative(),
  bytes_out_per_second: z.number().nonnegative(),
  waiting_requests: count(),
  conditioning: z
    .enum(conditioningTypes)
    .describe("what the bytes go through before they are buffered"),
  quality: qualityBody,
  warnings: z.array(z.string()).describe("each starts with the name of what is wrong"),
});

export type Status = z.output<typeof statusBody>;

/** What the status is made from; times in milliseconds, rates a second. */
export interface StatusFacts {
  readonly available: number;
  readonly capacity: number;
  /** Since bytes last came in; undefined when none have. */
  readonly sinceReceived: number | undefined;
  /** Since bytes last came in or found no room; undefined when none have. */
  readonly sinceOffered: number | undefined;
  /** Since the last push, by key id; undefined when there was none. */
  readonly sincePushes: readonly (readonly [keyId: string, since: number | undefined])[];
  /** Whole seconds that a collector's clock is ahead, while its packets are refused for that. */
  readonly clockSkew: number | undefined;
  /** Of what is in the buffer; undefined when it is empty. */
  readonly ages: { readonly oldest: number; readonly newest: number } | undefined;
  /** Since the Unix epoch. */
  readonly wall: number;
  readonly uptime: number;
  readonly isDraining: boolean;
  /** Sources that give nothing; known in Direct mode only. */
  readonly troubles: readonly Trouble[];
  readonly simulated: boolean;
  readonly mode: Status["deployment_mode"];
  readonly version: string;
  readonly requests: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly requestRate: number;
  readonly inRate: number;
  readonly outRate: number;
  readonly waiting: number;
  readonly conditioning: ConditioningType;
  readonly quality: QualityReport;
}

const staleMilliseconds = 60_000;
const lowFill = 0.1;

/** What the gateway says of itself. */
export function describeStatus(facts: StatusFacts): Status {
  const { available, capacity, sinceReceived, simulated, ages } = facts;
  const warnings = listWarnings(facts);
  const timeOf = (since: number | undefined): string | null =>
    since === undefined ? null : new Date(facts.wall - since).toISOString();
  const isDegraded = warnings.length > (simulated ? 1 : 0);
  return {
    status: available === 0 || facts.isDraining ? "unhealthy" : isDegraded ? "degraded" : "healthy",
    simulated,
    deployment_mode: facts.mode,
    version: facts.version,
    buffer_fill_percent: toTenths((available / capacity) * 100),
    buffer_bytes_available: available,
    buffer_bytes_capacity: capacity,
    last_data_received: timeOf(sinceReceived),
    last_pushes: facts.sincePushes.map(([key_id, since]) => ({ key_id, last_push: timeOf(since) })),
    clock_skew_seconds: facts.clockSkew ?? null,
    data_freshness_seconds: toSeconds(sinceReceived),
    oldest_data_age_seconds: toSeconds(ages?.oldest),
    newest_data_age_seconds: toSeconds(ages?.newest),
    uptime_seconds: Math.round(facts.uptime) / 1000,
    total_requests_served: facts.requests,
    total_bytes_served: facts.bytesOut,
    total_bytes_received: facts.bytesIn,
    requests_per_second: toTenths(facts.requestRate),
    bytes_in_per_second: toTenths(facts.inRate),
    bytes_out_per_second: toTenths(facts.outRate),
    waiting_requests: facts.waiting,
    conditioning: facts.conditioning,
    quality: facts.quality,
    warnings,
  };
}

function listWarnings(facts: StatusFacts): string[] {
  const { available, capacity, sinceReceived, sinceOffered, clockSkew } = facts;
  const warnings: string[] = [];
  if (facts.simulated) {
    warnings.push("simulated: the bytes come from a simulated appliance, not from hardware");
  }
  const { alarm } = facts.quality;
  if (alarm !== null) warnings.push(`quality: incoming bytes fail the ${alarm} test too often`);
  for (const trouble of facts.troubles) {
    const name = trouble.isCutOff ? "quarantine" : "source";
    warnings.push(`${name}: nothing comes from ${describeTrouble(trouble)}`);
  }
  if (clockSkew !== undefined) {
    warnings.push(`clock: packets are refused, since ${describeSkew(clockSkew)}`);
  }
  if (facts.isDraining) warnings.push("draining: the gateway is shutting down");
  if (available === 0) warnings.push("empty: no fresh bytes");
  else if (available < capacity * lowFill) warnings.push("low: the buffer is below 10 %");
  if (sinceOffered === undefined) warnings.push("stale: nothing has come in since the start");
  else if (sinceOffered > staleMilliseconds) {
    const seconds = Math.round((sinceReceived ?? facts.uptime) / 1000);
    warnings.push(`stale: nothing has come in for ${seconds} seconds`);
  }
  return warnings;
}

function describeSkew(seconds: number): string {
  const way = seconds < 0 ? "behind" : "ahead of";
  return `the collector's clock is ${Math.abs(seconds)} seconds ${way} this gateway's`;
}

function toSeconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.round(Math.max(0, milliseconds)) / 1000;
}

function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}
