import { Problem } from "../problem.ts";
import type { ApiKey } from "./keys.ts";

/**
 * Charges a key for one request of so many random bytes, before the work is done.
 * @param now monotonic milliseconds
 * @throws Problem 429 with the seconds after which it would pass
 */
export function charge(key: ApiKey, bytes: number, now: number): void {
  const wait = key.requests.take(1, now) || (bytes > 0 ? key.bytes.take(bytes, now) : 0);
  if (wait > 0) throw tooMany("this key's limit is reached", wait);
}

/** @param wait milliseconds */
export function tooMany(detail: string, wait: number): Problem {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return new Problem(429, "ERR_RATE_LIMIT", detail, { "retry-after": String(seconds) });
}
