import type { GatewayConfig } from "./config.ts";

/** The body of `GET /api/status`. */
export interface Status {
  readonly status: "healthy" | "degraded" | "unhealthy";
  readonly simulated: boolean;
  readonly deployment_mode: GatewayConfig["deployment_mode"];
  readonly version: string;
  /** 0 … 100. */
  readonly buffer_fill_percent: number;
  readonly buffer_bytes_available: number;
  readonly buffer_bytes_capacity: number;
  /** RFC 3339, or null when nothing has come since the start. */
  readonly last_data_received: string | null;
  /** Seconds since then. */
  readonly data_freshness_seconds: number | null;
  readonly uptime_seconds: number;
  readonly total_requests_served: number;
  readonly total_bytes_served: number;
  readonly requests_per_second: number;
  readonly warnings: readonly string[];
}

export interface StatusFacts {
  readonly available: number;
  readonly capacity: number;
  /** Milliseconds since bytes last came in; undefined when none have. */
  readonly sinceReceived: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly wall: number;
  readonly uptime: number;
  readonly isDraining: boolean;
  readonly simulated: boolean;
  readonly mode: GatewayConfig["deployment_mode"];
  readonly version: string;
  readonly requests: number;
  readonly bytes: number;
  readonly requestsPerSecond: number;
}

const staleMilliseconds = 60_000;
const lowFill = 0.1;

/** What the gateway says of itself, from facts; times in milliseconds. */
export function describeStatus(facts: StatusFacts): Status {
  const { available, capacity, sinceReceived, simulated } = facts;
  const warnings = listWarnings(facts);
  const isDegraded = warnings.length > (simulated ? 1 : 0);
  return {
    status: available === 0 || facts.isDraining ? "unhealthy" : isDegraded ? "degraded" : "healthy",
    simulated,
    deployment_mode: facts.mode,
    version: facts.version,
    buffer_fill_percent: Math.round((available / capacity) * 1000) / 10,
    buffer_bytes_available: available,
    buffer_bytes_capacity: capacity,
    last_data_received:
      sinceReceived === undefined ? null : new Date(facts.wall - sinceReceived).toISOString(),
    data_freshness_seconds: sinceReceived === undefined ? null : seconds(sinceReceived),
    uptime_seconds: seconds(facts.uptime),
    total_requests_served: facts.requests,
    total_bytes_served: facts.bytes,
    requests_per_second: Math.round(facts.requestsPerSecond * 10) / 10,
    warnings,
  };
}

function listWarnings(facts: StatusFacts): string[] {
  const { available, capacity, sinceReceived } = facts;
  const since = sinceReceived === undefined ? undefined : Math.round(sinceReceived / 1000);
  return [
    facts.simulated
      ? "simulated: the bytes come from a simulated appliance, not from hardware"
      : "",
    facts.isDraining ? "draining: the gateway is shutting down" : "",
    available === 0
      ? "empty: no fresh bytes"
      : available < capacity * lowFill
        ? "low: the buffer is below 10 %"
        : "",
    since === undefined
      ? "stale: nothing has come in since the start"
      : since * 1000 > staleMilliseconds
        ? `stale: nothing has come in for ${since} seconds`
        : "",
  ].filter((warning) => warning !== "");
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
