import { type BridgeStatus, conditionTypes } from "../bridge/status.ts";

export type ConditionType = (typeof conditionTypes)[number];
export type Condition = NonNullable<BridgeStatus["conditions"]>[number];

/** What is to be said now. */
export interface Saying {
  readonly status: Condition["status"];
  /** CamelCase, one of few. */
  readonly reason: string;
  /** For people: what, and what to do. Says nothing that changes while nothing happens. */
  readonly message: string;
}

export type Sayings = Readonly<Partial<Record<ConditionType, Saying>>>;

export const isTrue = (reason: string, message: string): Saying => ({
  status: "True",
  reason,
  message,
});
export const isFalse = (reason: string, message: string): Saying => ({
  status: "False",
  reason,
  message,
});
export const isUnknown = (reason: string, message: string): Saying => ({
  status: "Unknown",
  reason,
  message,
});

const notYet = isUnknown("NotKnownYet", "the operator has not come that far yet");

interface Situation {
  readonly previous: BridgeStatus;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * All conditions of a bridge, in their order: those that are said anew, and the others as they were.
 * A condition's time moves when its status flips, and the rest of it only when it says something else.
 */
export function setConditions(sayings: Sayings, situation: Situation): Condition[] {
  const { previous, generation, now } = situation;
  return conditionTypes.map((type) => {
    const before = conditionOf(previous, type);
    const saying = sayings[type];
    if (saying === undefined && before !== undefined) return before;
    const next = saying ?? notYet;
    const lastTransitionTime =
      before?.status === next.status ? before.lastTransitionTime : timeText(now);
    return { type, ...next, observedGeneration: generation, lastTransitionTime };
  });
}

export function conditionOf(
  { conditions = [] }: BridgeStatus,
  type: ConditionType,
): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** As metav1.Time writes it. @param time milliseconds since 1970 */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
