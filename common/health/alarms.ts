import { type FipsTest, fipsTests } from "./fips.ts";

/** The approved continuous health tests of SP 800-90B, sections 4.4.1 and 4.4.2. */
export const continuousTests = ["repetition count", "adaptive proportion"] as const;
export type ContinuousTest = (typeof continuousTests)[number];

/**
 * How surely the source is broken, SP 800-90B, section 4.3: `intermittent` may be bad luck (2^−e) or
 * pass; `permanent` is one in 2^80 for a good source, and only the continuous tests tell it.
 */
export const alarmTiers = ["intermittent", "permanent"] as const;
export type AlarmTier = (typeof alarmTiers)[number];

export type HealthAlarm =
  | {
      /** "mixed stream": a continuous test of what this source and others were mixed into. */
      readonly test: ContinuousTest | "mixed stream";
      readonly tier: AlarmTier;
    }
  | { readonly test: "repeated" | FipsTest; readonly tier: "intermittent" }
  | {
      readonly test: "not independent";
      readonly tier: "intermittent";
      /** Gave the same bytes: both are to be cut off, since nobody can tell which is at fault. */
      readonly otherSource: string;
    };

export type HealthTest = HealthAlarm["test"];
/** All of them: the values of a metric's label. */
export const healthTests: readonly HealthTest[] = [
  ...continuousTests,
  "repeated",
  "not independent",
  "mixed stream",
  ...fipsTests,
];
