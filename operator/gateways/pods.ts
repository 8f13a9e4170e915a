import { z } from "zod";
import type { ApiObject } from "../api/object.ts";
import { bridgeLabel } from "../build/metadata.ts";

/** A gateway's pod, as far as the operator needs it. */
export interface GatewayPod {
  /** Another for every pod there ever is. */
  readonly name: string;
  /** Its bridge, as `namespace/name`. */
  readonly bridge: string;
  /** Undefined before it has one. */
  readonly address: string | undefined;
  readonly isReady: boolean;
}

const PodSchema = z.looseObject({
  status: z
    .looseObject({
      phase: z.string().optional(),
      podIP: z.union([z.ipv4(), z.ipv6()]).optional(),
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
});

/** @returns undefined for one that is ending, or no bridge's: nobody pushes to it any more */
export function gatewayPod(object: ApiObject): GatewayPod | undefined {
  const { metadata } = object;
  const bridge = metadata.labels?.[bridgeLabel];
  const { status = {} } = PodSchema.parse(object);
  const hasEnded = status.phase === "Succeeded" || status.phase === "Failed";
  if (bridge === undefined || metadata.deletionTimestamp !== undefined || hasEnded)
    return undefined;
  return {
    name: metadata.name,
    bridge: `${metadata.namespace ?? ""}/${bridge}`,
    address: status.podIP,
    isReady: (status.conditions ?? []).some(
      ({ type, status }) => type === "Ready" && status === "True",
    ),
  };
}
