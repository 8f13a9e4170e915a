import { needsEgress } from "../bridge/hosts.ts";
import { outsideOf } from "./destinations.ts";
import type { Facts } from "./facts.ts";

/** Why a bridge is not built, for people: which field, and what to do. */
export interface Problem {
  readonly code: "ERR_EGRESS_UNKNOWN" | "ERR_CERT_MANAGER_MISSING";
  readonly message: string;
}

/** What stands in the way. Nothing is opened wider, or left out, to get around it. */
export function findProblems(facts: Facts): Problem[] {
  return [...egressProblems(facts), ...issuerProblems(facts)];
}

function egressProblems(facts: Facts): Problem[] {
  const zones = ["collector", "gateway"] as const;
  return zones
    .flatMap((zone) => outsideOf(facts, zone))
    .filter(({ reach }) => reach === undefined)
    .map(({ field }) => ({
      code: "ERR_EGRESS_UNKNOWN",
      message: `${field}: ${needsEgress}`,
    }));
}

function issuerProblems({ bridge, offered }: Facts): Problem[] {
  if (bridge.spec.tls?.issuerRef === undefined || offered.certificate) return [];
  return [
    {
      code: "ERR_CERT_MANAGER_MISSING",
      message:
        "tls.issuerRef: this cluster has no Certificate of cert-manager.io/v1; install cert-manager, or leave issuerRef out",
    },
  ];
}
