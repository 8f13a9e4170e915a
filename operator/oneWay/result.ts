import type { BridgeStatus } from "../bridge/status.ts";
import { cutUtf8 } from "../engine/events.ts";

export const checkOutcomes = [
  "Verified",
  "PolicyNotEnforced",
  "NotProven",
  /** By admission, a quota or RBAC. */
  "Refused",
] as const;
export type CheckOutcome = (typeof checkOutcomes)[number];

type Family = NonNullable<BridgeStatus["oneWayCheck"]>["families"][number];

/** What a check came to. */
export interface CheckResult {
  /** The bridge's, and what it was like. */
  readonly uid: string;
  readonly policiesHash: string;
  readonly nodesHash: string;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  readonly outcome: CheckOutcome;
  /** What got through, or why nothing is proven; empty where all is well. */
  readonly message: string;
  readonly families: readonly Family[];
  /** How many it ran on. */
  readonly nodes: number;
}

const longest = 1024;

/** What others say, kubelet and admission among them, as it may stand in a status. */
export function plainText(text: string): string {
  return cutUtf8(text.replace(/\p{Cc}+/gu, " "), longest);
}

/** Whether it says how things are; else it says that nobody knows. */
export function isVerdict({ outcome }: CheckResult): boolean {
  return outcome === "Verified" || outcome === "PolicyNotEnforced";
}
