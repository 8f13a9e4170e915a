import type { ServiceAccount } from "kubernetes-types/core/v1.js";
import type { Facts } from "./facts.ts";
import { type Owned, ownedMetadata } from "./metadata.ts";
import type { Program } from "./settings.ts";

/** A name without rights: programs never ask the API server. */
export function buildServiceAccount(
  facts: Facts,
  name: string,
  program: Program,
): Owned<ServiceAccount> {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: ownedMetadata(facts, name, { component: program }),
    automountServiceAccountToken: false,
  };
}
