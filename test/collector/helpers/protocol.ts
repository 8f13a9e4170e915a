import type { Outcome } from "../../../collector/push/outcome.ts";

/** What protocol.md says of a status, in its own order; written apart from the collector's code. */
export function protocolOutcome(status: number): Outcome {
  if (status === 200) return "taken";
  if (status === 409) return "seen";
  if (status === 507) return "full";
  if (status === 503 || Math.floor(status / 100) === 4) return "refused";
  if (Math.floor(status / 100) === 3) return "misdirected";
  return "unknown";
}
