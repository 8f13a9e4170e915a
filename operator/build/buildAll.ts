import { buildCertificates } from "./certificates.ts";
import { buildCollector } from "./collector.ts";
import type { Facts } from "./facts.ts";
import { buildGateways } from "./gateway.ts";
import type { OwnedObject } from "./metadata.ts";
import { buildDashboard, buildServiceMonitor } from "./monitoring.ts";
import { collectorName, gatewayName } from "./names.ts";
import { buildCollectorPolicy, buildGatewayPolicy } from "./networkPolicy.ts";
import { buildPodDisruptionBudget } from "./podDisruptionBudget.ts";
import { findProblems, type Problem } from "./problems.ts";
import { buildPrometheusRule } from "./prometheusRule.ts";
import { buildSecrets } from "./secrets.ts";
import { buildServiceAccount } from "./serviceAccount.ts";
import {
  buildApiService,
  buildCollectorManagement,
  buildGatewayManagement,
  buildPushService,
} from "./services.ts";
import { buildTrustBundles } from "./trustBundles.ts";

/** Either all that a bridge owns, or why it cannot be built: then what there is stays as it is. */
export type Built =
  | { readonly objects: readonly OwnedObject[] }
  | { readonly problems: readonly [Problem, ...Problem[]] };

/** What is to be there for a bridge, as one pure function, in the order to apply it in. */
export function buildAll(facts: Facts): Built {
  const [first, ...others] = findProblems(facts);
  if (first !== undefined) return { problems: [first, ...others] };
  const { topology } = facts.bridge.spec;
  const hasCollector = topology === "InCluster" || topology === "CollectorOnly";
  const hasGateways = topology !== "CollectorOnly";
  const objects = [
    ...(hasCollector ? [buildCollectorPolicy(facts)] : []),
    ...(hasGateways ? [buildGatewayPolicy(facts)] : []),
    ...buildSecrets(facts),
    ...buildCertificates(facts),
    ...buildTrustBundles(facts),
    ...(hasGateways ? buildGatewaySide(facts) : []),
    ...(hasCollector ? buildCollectorSide(facts) : []),
    ...buildServiceMonitor(facts),
    ...buildPrometheusRule(facts),
    ...buildDashboard(facts),
  ];
  // Pods come last: after the policies that guard them, what they mount, and every name that
  // somebody else may have.
  return {
    objects: [
      ...objects.filter((object) => !runsPods(object)),
      ...objects.filter((object) => runsPods(object)),
    ],
  };
}

/** Whether applying it starts pods or rolls them. */
export function runsPods({ kind }: Pick<OwnedObject, "kind">): boolean {
  return kind === "Deployment";
}

function buildGatewaySide(facts: Facts): OwnedObject[] {
  const { bridge } = facts;
  return [
    buildServiceAccount(facts, gatewayName(bridge), "gateway"),
    buildApiService(facts),
    ...(bridge.spec.topology === "Direct" ? [] : [buildPushService(facts)]),
    buildGatewayManagement(facts),
    ...buildPodDisruptionBudget(facts),
    ...buildGateways(facts),
  ];
}

function buildCollectorSide(facts: Facts): OwnedObject[] {
  return [
    buildServiceAccount(facts, collectorName(facts.bridge), "collector"),
    buildCollectorManagement(facts),
    ...buildCollector(facts),
  ];
}
