import { signing } from "../bridge/signing.ts";
import { type Alert, type AlertingRule, ruleOf } from "./alerts/alert.ts";
import { intakeAlerts, servingAlerts } from "./alerts/gateway.ts";
import { collectorAlerts, mixingAlerts, sourceAlerts } from "./alerts/sources.ts";
import { certificateAlerts, rotationAlerts, scrapeAlerts } from "./alerts/upkeep.ts";
import type { Facts } from "./facts.ts";
import { type OwnedObject, ownedMetadata } from "./metadata.ts";
import { managementName } from "./names.ts";

/** monitoring.coreos.com/v1 PrometheusRule: the fields that are written here. */
export interface PrometheusRule extends OwnedObject {
  readonly spec: {
    readonly groups: readonly { readonly name: string; readonly rules: readonly AlertingRule[] }[];
  };
}

export function buildPrometheusRule(facts: Facts): PrometheusRule[] {
  const { bridge, offered, settings } = facts;
  const { enabled = true, labels } = bridge.spec.monitoring?.prometheusRule ?? {};
  if (!enabled || !offered.prometheusRule) return [];
  const { name, namespace } = bridge.metadata;
  const series = `namespace="${namespace}",bridge="${name}"`;
  const rules = alerts(facts, series).map((alert) => ruleOf(alert, settings.runbooks));
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: ownedMetadata(facts, managementName(bridge), { component: "monitoring", labels }),
      spec: { groups: [{ name: `qrng-bridge ${namespace}/${name}`, rules }] },
    },
  ];
}

/** Alerts on what the bridge's topology has; a suspended bridge is silent on purpose. */
function alerts({ bridge: { spec } }: Facts, series: string): Alert[] {
  if (spec.suspend) return [];
  const { topology, mixing, monitoring } = spec;
  const { propagationSeconds } = spec.signing ?? signing.parse({});
  const hasGateways = topology !== "CollectorOnly";
  const hasCollector = topology === "InCluster" || topology === "CollectorOnly";
  const isPushed = hasGateways && topology !== "Direct";
  const isMixed = mixing !== undefined && mixing.strategy !== "None";
  const isScraped = (monitoring?.scrapeFrom ?? []).length > 0;
  const oneOfEach = [
    ...(hasGateways ? ["qrng_gateway_buffer_bytes"] : []),
    ...(hasCollector ? ["qrng_collector_buffer_bytes"] : []),
  ];
  return [
    ...(hasGateways ? servingAlerts(series) : []),
    ...(isPushed ? intakeAlerts(series) : []),
    ...(topology === "GatewayOnly" ? [] : sourceAlerts(series)),
    ...(isMixed ? mixingAlerts(series) : []),
    ...(hasCollector ? collectorAlerts(series) : []),
    ...(topology === "Direct" ? [] : rotationAlerts(series, propagationSeconds)),
    ...certificateAlerts(series),
    ...(isScraped ? scrapeAlerts(series, oneOfEach) : []),
  ];
}
