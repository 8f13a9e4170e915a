import { z } from "zod";
import { nanosecondsToMilliseconds } from "../../common/clock.ts";
import type { ApiObject } from "../api/object.ts";
import type { Resource } from "../api/resources.ts";

export const leases: Resource = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
};

const Spec = z.looseObject({
  holderIdentity: z.string().nullish(),
  leaseDurationSeconds: z.int().positive().max(3600).nullish(),
  leaseTransitions: z.int().nonnegative().nullish(),
  acquireTime: z.string().nullish(),
  renewTime: z.string().nullish(),
});
export type LeaseSpec = z.infer<typeof Spec>;

/** A lease as it was seen: what it said, and when this process first saw it say so. */
export interface Observation {
  readonly resourceVersion: string;
  readonly spec: LeaseSpec;
  /** Monotonic milliseconds of this process. */
  readonly at: number;
}

/**
 * The observation that follows: an unchanged lease keeps its time. What the lease's own times say is
 * never compared with a clock of ours, so that clocks may differ.
 * @param now monotonic milliseconds
 */
export function observe(
  before: Observation | undefined,
  lease: ApiObject,
  now: number,
): Observation {
  const { resourceVersion } = lease.metadata;
  if (before?.resourceVersion === resourceVersion) return before;
  // A lease that others broke is held by nobody.
  return { resourceVersion, spec: Spec.safeParse(lease["spec"]).data ?? {}, at: now };
}

/**
 * Whether `identity` may write itself into the lease: it holds it, nobody does, or its holder has
 * not renewed it for as long as the holder itself said.
 * @param now monotonic milliseconds
 * @param duration seconds, for a lease that names none
 */
export function mayTake(
  { spec, at }: Observation,
  identity: string,
  now: number,
  duration: number,
): boolean {
  const { holderIdentity, leaseDurationSeconds } = spec;
  if (holderIdentity == null || holderIdentity === "" || holderIdentity === identity) return true;
  return now - at > (leaseDurationSeconds ?? duration) * 1_000;
}

/** The lease's spec with `identity` as its holder from now on. */
export function heldBy(
  identity: string,
  before: LeaseSpec,
  wall: bigint,
  duration: number,
): LeaseSpec {
  const now = microTime(wall);
  const same = before.holderIdentity === identity;
  const transitions = before.leaseTransitions ?? 0;
  return {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: duration,
    acquireTime: same ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: same ? transitions : transitions + 1,
  };
}

/** The lease's spec with no holder, so that the next one need not wait. */
export function released(before: LeaseSpec, wall: bigint): LeaseSpec {
  return { ...before, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(wall) };
}

/** Kubernetes' MicroTime: RFC 3339 with six decimals. @param wall nanoseconds since 1970 */
export function microTime(wall: bigint): string {
  const micros = ((wall / 1_000n) % 1_000_000n).toString().padStart(6, "0");
  return new Date(nanosecondsToMilliseconds(wall)).toISOString().replace(/\.\d+Z$/, `.${micros}Z`);
}
