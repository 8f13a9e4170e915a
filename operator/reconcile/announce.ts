import { apiVersion } from "../api/resources.ts";
import type { ApiObject } from "../api/object.ts";
import type { BridgeStatus } from "../bridge/status.ts";
import type { OwnedObject } from "../build/metadata.ts";
import type { Happening } from "../engine/events.ts";
import type { Applied } from "./apply.ts";
import { conditionOf, type ConditionType } from "./conditions.ts";
import { bridges } from "./kinds.ts";
import { describeObject } from "./owned.ts";
import type { StalledError } from "./trouble.ts";

export type Announce = (happening: Happening) => void;

type Regarded = Pick<ApiObject, "metadata">;
type Told = Omit<Happening, "regarding">;

function happening({ metadata: { name, namespace = "", uid } }: Regarded, rest: Told): Happening {
  const regarding = { apiVersion: apiVersion(bridges), kind: bridges.kind, namespace, name, uid };
  return { regarding, ...rest };
}

/** One event for each reason: of others with the same, nothing but their number would be kept. */
function announceAll(announce: Announce, bridge: Regarded, told: readonly Told[]): void {
  for (const [first, ...others] of Map.groupBy(told, ({ reason }) => reason).values()) {
    if (first === undefined) continue;
    const notes = new Set([first, ...others].map(({ note }) => note));
    announce(happening(bridge, { ...first, note: [...notes].join("; ") }));
  }
}

/** What was done to bring a bridge into order. */
export interface Done {
  /** All that it owns. */
  readonly objects: readonly OwnedObject[];
  readonly applied: readonly Applied[];
  /** Whether others had deleted an object. */
  readonly isLost: (object: OwnedObject) => boolean;
  /** What was decided on keys and certificates. */
  readonly steps: readonly { readonly reason: string; readonly message: string }[];
}

/** Of a bridge that was made as a whole one event says so. */
export function announceDone(announce: Announce, bridge: Regarded, done: Done): void {
  const { objects, applied, isLost, steps } = done;
  const made = applied.filter(({ object, because }) => because === "absent" && !isLost(object));
  const messages = steps.map(({ reason, message }): Told => {
    return { type: "Normal", reason, action: "Rotate", note: message };
  });
  const begun: Told[] =
    made.length < objects.length
      ? messages
      : [{ type: "Normal", reason: "Created", action: "Apply", note: describeMade(objects) }];
  announceAll(announce, bridge, [
    ...begun,
    ...applied.flatMap((each) => describeApplied(each, isLost(each.object))),
  ]);
}

/** Such as `made 23 objects: 2 NetworkPolicy, 7 Secret`. */
function describeMade(objects: readonly OwnedObject[]): string {
  const kinds = [...Map.groupBy(objects, ({ kind }) => kind)].map(
    ([kind, { length }]) => `${length} ${kind}`,
  );
  return `made ${objects.length} objects: ${kinds.join(", ")}`;
}

function describeApplied(
  { object, because, otherManager, isAltered }: Applied,
  isLost: boolean,
): Told[] {
  const what = describeObject(object, object.metadata.name);
  const by = otherManager === undefined ? "" : `, last by ${otherManager}`;
  const notes = {
    DriftCorrected:
      because === "drift" && `${what} was changed by others${by}, and is as before again`,
    ObjectRestored:
      because === "absent" && isLost && `${what} was deleted by others, and is there again`,
    AnswerAltered:
      isAltered &&
      `${what}: the API server stores other values than were asked for; they are accepted`,
  };
  return Object.entries(notes).flatMap(([reason, note]): Told[] =>
    note === false ? [] : [{ type: "Warning", reason, action: "Apply", note }],
  );
}

/** A stall that the status does not show. */
export function announceStall(
  announce: Announce,
  bridge: Regarded,
  { reason, message }: Pick<StalledError, "reason" | "message">,
): void {
  announce(happening(bridge, { type: "Warning", reason, action: "Reconcile", note: message }));
}

const announced: readonly ConditionType[] = [
  "Ready",
  "Stalled",
  "EntropyFlowing",
  "OneWayVerified",
];
const goodStatus: Readonly<Partial<Record<ConditionType, string>>> = { Stalled: "False" };

/** What people want to hear of: a condition that flipped. What a new bridge begins with is none. */
export function announceStatus(
  announce: Announce,
  bridge: Regarded,
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
