import { z } from "zod";
import type { ApiObject } from "../api/object.ts";
import { knownObject, type KnownObject } from "./owned.ts";

/** How far a Deployment is, as its controller says. */
export interface DeploymentState extends KnownObject {
  /** The generation that the rest is of. */
  readonly observed: number;
  readonly pods: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  /** Why its controller gave up, if it did. */
  readonly failure: string | undefined;
}

const count = z.int().nonnegative().default(0);

const DeploymentSchema = z.looseObject({
  status: z
    .looseObject({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      conditions: z
        .array(
          z.looseObject({ type: z.string(), status: z.string(), message: z.string().optional() }),
        )
        .optional(),
    })
    .optional(),
});

export function deploymentState(object: ApiObject): DeploymentState {
  const { status } = DeploymentSchema.parse(object);
  const failed = status?.conditions?.find(
    ({ type, status }) =>
      (type === "Progressing" && status === "False") ||
      (type === "ReplicaFailure" && status === "True"),
  );
  return {
    ...knownObject(object),
    observed: status?.observedGeneration ?? 0,
    pods: status?.replicas ?? 0,
    updated: status?.updatedReplicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    failure: failed?.message,
  };
}
