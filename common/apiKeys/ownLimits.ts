import type { z } from "zod";
import { integer, size } from "../config/fields.ts";

export const requests = () => integer({ min: 1, max: 1_000_000 }, "requests");
export const dailyBytes = () => size({ min: 1, max: 2 ** 49 }); // more has no place in a header's integer

/** What one key may use; what is left out is as in `rate_limit`. */
export const ownLimits = {
  requests_per_second: requests().optional().describe("this key's own; likewise the next three"),
  burst: requests()
    .optional()
    .describe("left out, as many times requests_per_second as in rate_limit"),
  bytes_per_second: size({ min: 1, max: 2 ** 40 })
    .optional()
    .describe("random bytes of this key, in the long run"),
  daily_bytes: dailyBytes().optional().describe("random bytes of this key in a UTC day"),
};

export type OwnLimits = z.output<z.ZodObject<typeof ownLimits>>;
