import { z } from "zod";
import { dailyBytes, type OwnLimits, requests } from "../../common/apiKeys/ownLimits.ts";
import { size } from "../../common/config/fields.ts";
import type { BucketOptions } from "./tokenBucket.ts";

/** What every key may use, unless it has limits of its own. */
export const rateLimit = z.strictObject({
  requests_per_second: requests().default(1000).describe("requests of one key, in the long run"),
  burst: requests().default(2000).describe("requests of one key at once"),
  bytes_per_second: size({ min: 1, max: 2 ** 40 })
    .default(64 * 2 ** 20)
    .describe("random bytes of one key, in the long run; at once: as many, or one largest request"),
  daily_bytes: dailyBytes()
    .optional()
    .describe("random bytes of one key in a UTC day; no limit when left out"),
  failed_keys_per_minute: requests()
    .default(60)
    .describe("requests without a right key that one address may make"),
});

export interface LimitConfig {
  readonly rate_limit: Omit<z.output<typeof rateLimit>, "failed_keys_per_minute">;
  readonly max_request_bytes: number;
}

/** One key's limits, complete. */
export interface Quotas {
  readonly requests: BucketOptions;
  readonly bytes: BucketOptions;
  /** Bytes of a UTC day. */
  readonly day: number | undefined;
}

export function quotasOf(
  own: OwnLimits,
  { rate_limit: common, max_request_bytes: largest }: LimitConfig,
): Quotas {
  const perSecond = own.requests_per_second ?? common.requests_per_second;
  const burst = Math.ceil((perSecond / common.requests_per_second) * common.burst);
  const bytesPerSecond = own.bytes_per_second ?? common.bytes_per_second;
  return {
    requests: { capacity: own.burst ?? burst, perSecond },
    bytes: { capacity: Math.max(bytesPerSecond, largest), perSecond: bytesPerSecond },
    day: own.daily_bytes ?? common.daily_bytes,
  };
}

/**
 * The value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11). A bucket that fills in
 * `w` seconds never refuses who asks for `q` in each of them.
 */
export function describePolicy({ requests, bytes, day }: Quotas): string {
  const window = ({ capacity, perSecond }: BucketOptions): number =>
    Math.ceil(capacity / perSecond);
  const policies = [
    `"requests";q=${requests.capacity};w=${window(requests)}`,
    `"bytes";q=${bytes.capacity};qu="content-bytes";w=${window(bytes)}`,
  ];
  if (day !== undefined) policies.push(`"day";q=${day};qu="content-bytes";w=86400`);
  return policies.join(", ");
}
