import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import type { Facts } from "./facts.ts";
import { type Owned, ownedMetadata, servingPods } from "./metadata.ts";
import { gatewayName } from "./names.ts";

/** From two gateways on, drains take one at a time; a single one would only block them. */
export function buildPodDisruptionBudget(facts: Facts): Owned<PodDisruptionBudget>[] {
  const { suspend, gateway } = facts.bridge.spec;
  if (suspend || gateway.replicas < 2 || gateway.podDisruptionBudget?.enabled === false) return [];
  return [
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: ownedMetadata(facts, gatewayName(facts.bridge), { component: "gateway" }),
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: servingPods(facts) },
        // A gateway that is not ready serves nobody, so nothing is lost when it goes.
        unhealthyPodEvictionPolicy: "AlwaysAllow",
      },
    },
  ];
}
