import type { KnownHost } from "./endpoint.ts";

/** What one attempt came to. Who refuses has been reached as well. */
export const outcomes = ["connected", "refused", "silent"] as const;
/** `failed` with the error's code: it never left this machine, or its network says no. */
export type Outcome = (typeof outcomes)[number] | `failed ${string}`;

export function isOpen(outcome: Outcome): boolean {
  return outcome === "connected" || outcome === "refused";
}

/** Kubernetes keeps no more of a termination message. */
export const reportLimit = 4096;
/** So that a report always fits. */
export const attemptLimit = 64;
/** Of an error in an outcome. */
export const codePattern = /^[A-Z0-9_]{1,24}$/;

/** A pod's termination message: what its attempts came to, and how long that has held. */
export interface Report {
  readonly version: 1;
  /** The addresses that the pod found the known hosts to have. */
  readonly hosts: { readonly [Host in KnownHost]?: string | undefined };
  /** For each attempt, in the order of the arguments: the last outcome, and its whole seconds. */
  readonly results: readonly (readonly [outcome: Outcome, seconds: number])[];
}

export function reportText(report: Report): string {
  return JSON.stringify(report);
}
