import type { Clock } from "../../common/clock.ts";
import { Tally } from "../../common/metrics.ts";
import { DayQuota } from "./dayQuota.ts";
import type { Limit } from "./limit.ts";
import { describePolicy, type Quotas } from "./quotas.ts";
import { SharedLimit } from "./sharedLimit.ts";
import type { SharedStore } from "./sharedStore.ts";
import { TokenBucket } from "./tokenBucket.ts";

/** What of a key is limited, as metrics name it. */
export const limitNames = ["requests", "bytes", "day"] as const;
export type LimitName = (typeof limitNames)[number];

/** What one key may use. */
export interface KeyLimits {
  /** Charged one for each request. */
  readonly requests: Limit;
  /** Charged for each random byte. */
  readonly bytes: Limit;
  /** Charged for each random byte, where the key has a limit of them a day. */
  readonly day: Limit | undefined;
  /** The value of RateLimit-Policy. */
  readonly policy: string;
  /** Charges that were refused, by the limit that was reached. */
  readonly refusals: Tally<LimitName>;
}

/** What this process has counted of a key; outlives changes of the key's limits and name. */
export interface LocalLimits {
  readonly requests: TokenBucket;
  readonly bytes: TokenBucket;
  readonly day: DayQuota | undefined;
  readonly refusals: Tally<LimitName>;
}

/** @param before what was counted under other quotas: those of today apply to it from now on */
export function countLocally(
  quotas: Quotas,
  before: LocalLimits | undefined,
  clock: Clock,
): LocalLimits {
  const now = clock.monotonic();
  before?.requests.change(quotas.requests, now);
  before?.bytes.change(quotas.bytes, now);
  if (quotas.day !== undefined) before?.day?.change(quotas.day);
  return {
    requests: before?.requests ?? new TokenBucket(quotas.requests, now),
    bytes: before?.bytes ?? new TokenBucket(quotas.bytes, now),
    day: quotas.day === undefined ? undefined : (before?.day ?? new DayQuota(quotas.day, clock)),
    refusals: before?.refusals ?? new Tally(limitNames),
  };
}

/**
 * A key's limits as requests are charged to them.
 * @param name what the key is counted under, in all replicas
 * @param store left out, this process counts alone
 */
export function createKeyLimits(
  name: string,
  quotas: Quotas,
  { requests, bytes, day, refusals }: LocalLimits,
  store: SharedStore | undefined,
): KeyLimits {
  const policy = describePolicy(quotas);
  if (store === undefined) return { requests, bytes, day, policy, refusals };
  return {
    requests: new SharedLimit(requests, store.bucket("requests", quotas.requests), () => name),
    bytes: new SharedLimit(bytes, store.bucket("bytes", quotas.bytes), () => name),
    day:
      day === undefined || quotas.day === undefined
        ? undefined
        : new SharedLimit(day, store.quota("day", quotas.day), () => `${name}:${day.day()}`),
    policy,
    refusals,
  };
}
