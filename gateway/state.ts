import type { Status } from "./status.ts";

/** The body of /state on the management listener, for the operator that rotates keys. */
export interface State {
  /** Keys that packets are verified with now; none in Direct mode. */
  readonly key_ids: readonly string[];
  /** By key: which of them collectors sign with, and until when they did. */
  readonly last_pushes: Status["last_pushes"];
  /** Whole seconds; see GET /api/status. */
  readonly clock_skew_seconds: Status["clock_skew_seconds"];
  /** RFC 3339, or null when nothing has come since the start. */
  readonly last_data_received: string | null;
  readonly buffer_bytes_available: number;
  readonly buffer_bytes_capacity: number;
  readonly status: Status["status"];
}

export function describeState(status: Status): State {
  return {
    key_ids: status.last_pushes.map(({ key_id }) => key_id),
    last_pushes: status.last_pushes,
    clock_skew_seconds: status.clock_skew_seconds,
    last_data_received: status.last_data_received,
    buffer_bytes_available: status.buffer_bytes_available,
    buffer_bytes_capacity: status.buffer_bytes_capacity,
    status: status.status,
  };
}
