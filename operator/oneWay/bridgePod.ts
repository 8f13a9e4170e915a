import { z } from "zod";
import { reportLimit } from "../../common/probe/report.ts";
import type { ApiObject } from "../api/object.ts";
import { group, kind } from "../bridge/schema.ts";
import { bridgeLabel, zoneLabel } from "../build/metadata.ts";
import { cutUtf8 } from "../engine/events.ts";
import type { Informer } from "../engine/informer.ts";
import { runLabel } from "./pods.ts";

/** A pod of a bridge's zone or of its check, as far as the check needs it. */
export interface BridgePod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Its bridge, as `namespace/name`. */
  readonly bridge: string;
  readonly isInZone: boolean;
  /** Which run's it is; undefined for one of the bridge's programs. */
  readonly run: string | undefined;
  /** Whether a QrngBridge controls it. */
  readonly isBridges: boolean;
  readonly isBeingDeleted: boolean;
  /** Undefined until it is put on one. */
  readonly node: string | undefined;
  readonly addresses: readonly string[];
  readonly state: "waiting" | "running" | "ended";
  /** Why it does not run any more or yet, in the scheduler's or kubelet's words; cut. */
  readonly waitsFor: string | undefined;
  /** The termination message, of one that has ended. */
  readonly message: string | undefined;
}

const text = z.string().optional().catch(undefined);
const State = z.looseObject({
  waiting: z.looseObject({ reason: text, message: text }).optional(),
  running: z.looseObject({}).optional(),
  terminated: z.looseObject({ reason: text, message: text }).optional(),
});

/** What others may write into a status is taken as far as it has the form, and never throws. */
const PodSchema = z.looseObject({
  spec: z.looseObject({ nodeName: text }).optional().catch(undefined),
  status: z
    .looseObject({
      phase: text,
      message: text,
      podIPs: z
        .array(z.looseObject({ ip: z.union([z.ipv4(), z.ipv6()]) }))
        .max(2)
        .optional()
        .catch(undefined),
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), message: text }))
        .optional()
        .catch(undefined),
      containerStatuses: z
        .array(z.looseObject({ state: State.optional().catch(undefined) }))
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** @returns undefined for one that is no bridge's */
export function bridgePod(object: ApiObject): BridgePod | undefined {
  const { metadata } = object;
  const { name, namespace = "", uid, labels = {}, ownerReferences = [] } = metadata;
  const bridge = labels[bridgeLabel];
  if (bridge === undefined) return undefined;
  const { spec, status } = PodSchema.parse(object);
  const [container] = status?.containerStatuses ?? [];
  const hasEnded = status?.phase === "Succeeded" || status?.phase === "Failed";
  const isRunning = status?.phase === "Running" && container?.state?.running !== undefined;
  const state = hasEnded ? "ended" : isRunning ? "running" : "waiting";
  const message = container?.state?.terminated?.message;
  return {
    name,
    namespace,
    uid,
    bridge: `${namespace}/${bridge}`,
    isInZone: labels[zoneLabel] !== undefined,
    run: labels[runLabel],
    isBridges: ownerReferences.some(
      (owner) =>
        owner.controller === true &&
        owner.kind === kind &&
        owner.apiVersion.split("/")[0] === group,
    ),
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
    node: spec?.nodeName === "" ? undefined : spec?.nodeName,
    addresses: (status?.podIPs ?? []).map(({ ip }) => ip),
    state,
    waitsFor: state === "running" ? undefined : whyNot(status, container?.state),
    // One that is too long is none: it would be refused, and is not kept.
    message: message === undefined || message.length > reportLimit ? undefined : message,
  };
}

type Status = z.output<typeof PodSchema>["status"];

/** Not the termination message, which the program itself writes. */
function whyNot(
  status: Status,
  { waiting, terminated }: z.output<typeof State> = {},
): string | undefined {
  const unmet = status?.conditions?.find(
    ({ status, message }) => status === "False" && message !== undefined && message !== "",
  );
  const said =
    waiting?.message ?? waiting?.reason ?? terminated?.reason ?? status?.message ?? unmet?.message;
  return said === undefined ? undefined : cutUtf8(said, 256);
}

/** The nodes that the pods of a bridge's programs are on, sorted. */
export function nodesOf(pods: Pick<Informer<BridgePod>, "entries">, bridge: string): string[] {
  const nodes = new Set<string>();
  for (const [, pod] of pods.entries()) {
    const counts = pod.bridge === bridge && pod.isInZone && pod.run === undefined;
    if (counts && pod.state !== "ended" && !pod.isBeingDeleted && pod.node !== undefined) {
      nodes.add(pod.node);
    }
  }
  return [...nodes].sort();
}
