import type { KeyUse } from "../../common/keys/keyRing.ts";

/** Keys that the operator makes. */
export interface OwnKeys {
  readonly from: "operator";
  /** How old the signing key gets; for ever when undefined. */
  readonly rotationSeconds: number | undefined;
  /** Whether there is to be a key for v1 senders, too. */
  readonly unbound: boolean;
}

/** Keys that a user's Secret gives. */
export interface GivenByUser {
  readonly from: "secretRef";
  /** The value; undefined while it is not there, which changes nothing. */
  readonly text: string | undefined;
  /** What a single key as hex is for; a key ring says so itself. */
  readonly use: KeyUse;
}

export type KeySource = OwnKeys | GivenByUser;

/** What one gateway that can be pushed to says on its management port. */
export interface GatewayReport {
  /** The pod's name: another for every pod there ever is. */
  readonly instance: string;
  /** `key_ids` of /state; undefined where it did not answer. */
  readonly keyIds: readonly string[] | undefined;
}

/** Seconds. */
export interface RotationTiming {
  /** How long a changed Secret takes to reach a program. */
  readonly propagationSeconds: number;
  /** How long a key that no longer signs is still accepted; propagationSeconds + 60 at least. */
  readonly overlapSeconds: number;
}

/** Who uses the ring; those elsewhere cannot be asked. */
export interface RingUsers {
  readonly collector: "here" | "elsewhere";
  readonly gateways: readonly GatewayReport[] | "elsewhere";
}
