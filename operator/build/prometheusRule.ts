import type { Facts } from "./facts.ts";
import { type OwnedObject, ownedMetadata } from "./metadata.ts";
import { managementName } from "./names.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: "critical" | "warning" };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** monitoring.coreos.com/v1 PrometheusRule: the fields that are written here. */
export interface PrometheusRule extends OwnedObject {
  readonly spec: {
    readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[];
  };
}

export function buildPrometheusRule(facts: Facts): PrometheusRule[] {
  const { bridge, offered } = facts;
  const { enabled = true, labels } = bridge.spec.monitoring?.prometheusRule ?? {};
  if (!enabled || !offered.prometheusRule) return [];
  const { name, namespace } = bridge.metadata;
  const series = `namespace="${namespace}",bridge="${name}"`;
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: ownedMetadata(facts, managementName(bridge), { component: "monitoring", labels }),
      spec: {
        groups: [{ name: `qrng-bridge ${namespace}/${name}`, rules: alerts(facts, series) }],
      },
    },
  ];
}

/** Alerts on what the bridge's topology has; a suspended bridge is silent on purpose. */
function alerts({ bridge: { spec } }: Facts, series: string): Alert[] {
  if (spec.suspend) return [];
  const { topology } = spec;
  return [
    ...(topology === "CollectorOnly" ? [] : gatewayAlerts(series)),
    ...(topology === "GatewayOnly" ? [] : sourceAlerts(series)),
    ...(topology === "InCluster" || topology === "CollectorOnly" ? collectorAlerts(series) : []),
  ];
}

function gatewayAlerts(series: string): Alert[] {
  return [
    {
      alert: "QrngNoBytes",
      expr: `sum by (namespace, bridge) (qrng_gateway_buffer_bytes{${series}}) == 0`,
      for: "5m",
      labels: { severity: "critical" },
      annotations: {
        summary: "Bridge {{ $labels.bridge }} has no fresh bytes",
        description:
          "All gateways are empty: clients get 503. See the sources and the collector's pushes.",
      },
    },
    {
      alert: "QrngQualityAlarm",
      expr: `max by (namespace, bridge, pod) (qrng_gateway_quality_alarm{${series}}) == 1`,
      for: "0m",
      labels: { severity: "critical" },
      annotations: {
        summary: "Incoming bytes at {{ $labels.pod }} fail the FIPS 140-2 tests too often",
        description: "A source may be broken. Its health tests and the dashboard say which.",
      },
    },
  ];
}

function sourceAlerts(series: string): Alert[] {
  return [
    {
      alert: "QrngSourceDown",
      expr: `max by (namespace, bridge, source) (qrng_source_up{${series}}) == 0`,
      for: "10m",
      labels: { severity: "warning" },
      annotations: {
        summary: "Source {{ $labels.source }} of bridge {{ $labels.bridge }} gives no bytes",
        description: "The pod's log says why, with a code; the program's README says what to do.",
      },
    },
  ];
}

function collectorAlerts(series: string): Alert[] {
  return [
    {
      alert: "QrngPushesFail",
      expr:
        `sum by (namespace, bridge) (rate(qrng_collector_pushes_total{${series},` +
        `outcome=~"refused|unreachable|misdirected|unknown"}[5m])) > 0 unless ` +
        `sum by (namespace, bridge) (rate(qrng_collector_delivered_bytes_total{${series}}[5m])) > 0`,
      for: "10m",
      labels: { severity: "critical" },
      annotations: {
        summary: "The collector of bridge {{ $labels.bridge }} delivers nothing",
        description:
          "All its pushes fail: see their outcomes, the NetworkPolicies, clocks and certificates.",
      },
    },
  ];
}
