import { microTime } from "./lease.ts";
import { apiVersion, type Resource } from "../api/resources.ts";

export const events: Resource = {
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
};

/** The object that an event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Something that happened, for whoever looks at the object. */
export interface Happening {
  readonly regarding: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** CamelCase, one of few: what happened. */
  readonly reason: string;
  /** CamelCase, one of few: what was being done. */
  readonly action: string;
  /** For people; cut at 1024 bytes. Holds nothing secret. */
  readonly note: string;
}

/** Who reports. */
export interface Reporter {
  /** A qualified name such as `qrngbridge.io/operator`. */
  readonly controller: string;
  /** This process; at most 128 characters. */
  readonly instance: string;
}

/** An Event with a name. @param wall nanoseconds since 1970 */
export function eventObject(
  happening: Happening,
  name: string,
  wall: bigint,
  reporter: Reporter,
): object {
  const { note, ...rest } = happening;
  return {
    apiVersion: apiVersion(events),
    kind: events.kind,
    metadata: { namespace: rest.regarding.namespace, name },
    eventTime: microTime(wall),
    reportingController: reporter.controller,
    reportingInstance: reporter.instance.slice(0, 128),
    ...rest,
    note: cutUtf8(note, 1024),
  };
}

/** How often an Event came, and when last. */
export function seriesPatch(count: number, wall: bigint): object {
  return { series: { count, lastObservedTime: microTime(wall) } };
}

/** As client-go names them; the object's name leaves room within 253 characters. */
export function eventName(regarding: ObjectReference, unique: bigint): string {
  return `${regarding.name.slice(0, 230)}.${unique.toString(16)}`;
}

/** The text, or what of it and an ellipsis is not longer than `limit` bytes. */
export function cutUtf8(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  // `stream` leaves a character out that is cut in two.
  return `${new TextDecoder().decode(bytes.subarray(0, limit - 3), { stream: true })}…`;
}
