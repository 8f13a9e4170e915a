import { apiVersion } from "../api/resources.ts";
import type { ApiObject } from "../api/object.ts";
import type { BridgeStatus } from "../bridge/status.ts";
import type { Happening } from "../engine/events.ts";
import type { Applied } from "./apply.ts";
import { conditionOf, type ConditionType } from "./conditions.ts";
import { bridges } from "./kinds.ts";
import { describeObject } from "./owned.ts";
import type { StalledError } from "./trouble.ts";

export type Announce = (happening: Happening) => void;

type Told = Pick<ApiObject, "metadata">;

function happening(
  { metadata: { name, namespace = "", uid } }: Told,
  rest: Omit<Happening, "regarding">,
): Happening {
  const regarding = { apiVersion: apiVersion(bridges), kind: bridges.kind, namespace, name, uid };
  return { regarding, ...rest };
}

/** What was decided on keys and certificates. */
export function announceSteps(
  announce: Announce,
  bridge: Told,
  steps: readonly { readonly reason: string; readonly message: string }[],
): void {
  for (const { reason, message } of steps) {
    announce(happening(bridge, { type: "Normal", reason, action: "Rotate", note: message }));
  }
}

/** @param isLost whether others had deleted an object */
export function announceApplied(
  announce: Announce,
  bridge: Told,
  applied: readonly Applied[],
  isLost: (object: Applied["object"]) => boolean,
): void {
  for (const { object, because, otherManager, isAltered } of applied) {
    const what = describeObject(object, object.metadata.name);
    const tell = (reason: string, note: string): void =>
      announce(happening(bridge, { type: "Warning", reason, action: "Apply", note }));
    if (because === "drift") {
      const by = otherManager === undefined ? "" : `, last by ${otherManager}`;
      tell("DriftCorrected", `${what} was changed by others${by}, and is as before again`);
    }
    if (because === "absent" && isLost(object)) {
      tell("ObjectRestored", `${what} was deleted by others, and is there again`);
    }
    if (isAltered) {
      tell(
        "AnswerAltered",
        `${what}: the API server stores other values than were asked for; they are accepted`,
      );
    }
  }
}

/** A stall that the status does not show. */
export function announceStall(
  announce: Announce,
  bridge: Told,
  { reason, message }: Pick<StalledError, "reason" | "message">,
): void {
  announce(happening(bridge, { type: "Warning", reason, action: "Reconcile", note: message }));
}

const announced: readonly ConditionType[] = ["Ready", "Stalled", "EntropyFlowing"];
const goodStatus: Readonly<Partial<Record<ConditionType, string>>> = { Stalled: "False" };

/** What people want to hear of: a condition that flipped. What a new bridge begins with is none. */
export function announceStatus(
  announce: Announce,
  bridge: Told,
  before: BridgeStatus,
  after: BridgeStatus,
): void {
  for (const type of announced) {
    const [was, is] = [conditionOf(before, type), conditionOf(after, type)];
    const good = goodStatus[type] ?? "True";
    if (is === undefined || is.status === (was?.status ?? (type === "Stalled" ? good : undefined)))
      continue;
    if (was === undefined && type !== "Stalled") continue;
    const isGood = is.status === good;
    announce(
      happening(bridge, {
        type: isGood ? "Normal" : "Warning",
        reason: is.reason,
        action: "Reconcile",
        note: is.message === "" ? type : `${type}: ${is.message}`,
      }),
    );
  }
}
