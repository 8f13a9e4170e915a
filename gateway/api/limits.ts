import type { KeyLimits, LimitName } from "../limit/keyLimits.ts";
import { after, type Limit } from "../limit/limit.ts";
import { Problem } from "../problem.ts";
import type { ApiKey } from "./keys.ts";

/**
 * Charges a key for one request, before anything is done for it: at once, or when other replicas
 * have been asked.
 * @param now monotonic milliseconds
 * @throws Problem 429 with the seconds after which it would pass
 */
export function chargeRequest({ limits }: ApiKey, now: number): void | Promise<void> {
  return after(limits.requests.take(1, now), (wait) => {
    if (wait > 0) throw refuse(limits, "requests", wait);
  });
}

/**
 * Charges a key for random bytes, before they are drawn: at once, or when other replicas have been
 * asked.
 * @param now monotonic milliseconds
 * @throws Problem 429 with the seconds after which it would pass; nothing was charged then
 */
export function chargeBytes({ limits }: ApiKey, bytes: number, now: number): void | Promise<void> {
  return after(limits.bytes.take(bytes, now), (wait) => {
    if (wait > 0) throw refuse(limits, "bytes", wait);
    if (limits.day === undefined) return undefined;
    return after(limits.day.take(bytes, now), (untilMidnight) => {
      if (untilMidnight === 0) return;
      limits.bytes.give(bytes, now);
      throw refuse(limits, "day", untilMidnight);
    });
  });
}

/** For bytes that were charged and then were not there. */
export function refundBytes({ limits }: ApiKey, bytes: number, now: number): void {
  limits.bytes.give(bytes, now);
  limits.day?.give(bytes, now);
}

/**
 * What a key may use and what is left of it, for every answer that was charged, as
 * draft-ietf-httpapi-ratelimit-headers-11 has it.
 * @param now monotonic milliseconds
 */
export function limitHeaders({ limits }: ApiKey, now: number): Readonly<Record<string, string>> {
  const { requests, bytes, day, policy } = limits;
  const item = (name: string, limit: Limit): string =>
    `"${name}";r=${limit.left(now)};t=${limit.secondsToMore()}`;
  const items = `${item("requests", requests)}, ${item("bytes", bytes)}`;
  return {
    "ratelimit-policy": policy,
    ratelimit: day === undefined ? items : `${items}, ${item("day", day)}`,
  };
}

const details: Readonly<Record<LimitName, string>> = {
  requests: "this key's limit of requests is reached",
  bytes: "this key's limit of random bytes is reached",
  day: "this key's limit of random bytes a day is reached",
};

/** Counts a refusal, which is for the caller to throw. */
function refuse({ refusals }: KeyLimits, limit: LimitName, wait: number): Problem {
  refusals.add(limit);
  return tooMany(details[limit], wait);
}

/** @param wait milliseconds */
export function tooMany(detail: string, wait: number): Problem {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return new Problem(429, "ERR_RATE_LIMIT", detail, { "retry-after": String(seconds) });
}
