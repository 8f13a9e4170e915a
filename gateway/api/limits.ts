import { Problem } from "../problem.ts";
import type { ApiKey } from "./keys.ts";

/**
 * Charges a key for one request, before anything is done for it.
 * @param now monotonic milliseconds
 * @throws Problem 429 with the seconds after which it would pass
 */
export function chargeRequest(key: ApiKey, now: number): void {
  const wait = key.requests.take(1, now);
  if (wait > 0) throw tooMany("this key's limit of requests is reached", wait);
}

/**
 * Charges a key for random bytes, before they are drawn.
 * @param now monotonic milliseconds
 * @throws Problem 429 with the seconds after which it would pass
 */
export function chargeBytes(key: ApiKey, bytes: number, now: number): void {
  const wait = key.bytes.take(bytes, now);
  if (wait > 0) throw tooMany("this key's limit of random bytes is reached", wait);
}

/** @param wait milliseconds */
export function tooMany(detail: string, wait: number): Problem {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return new Problem(429, "ERR_RATE_LIMIT", detail, { "retry-after": String(seconds) });
}
