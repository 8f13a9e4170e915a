import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { buildConfigMap } from "./configMap.ts";
import { describeDashboard } from "./dashboard/dashboard.ts";
import type { Facts } from "./facts.ts";
import { bridgeLabel, type OwnedObject, type Owned, ownedMetadata } from "./metadata.ts";
import { dashboardName, managementName } from "./names.ts";
import { ports } from "./ports.ts";
import { scrapedLabel } from "./services.ts";

/** monitoring.coreos.com/v1 ServiceMonitor: the fields that are written here. */
export interface ServiceMonitor extends OwnedObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly relabelings: readonly {
        readonly targetLabel: string;
        readonly replacement: string;
      }[];
    }[];
  };
}

/** What Prometheus scrapes. The label `bridge` is what alerts and the dashboard go by. */
export function buildServiceMonitor(facts: Facts): ServiceMonitor[] {
  const { bridge, offered } = facts;
  const { enabled = true, labels } = bridge.spec.monitoring?.serviceMonitor ?? {};
  if (!enabled || !offered.serviceMonitor) return [];
  const { name } = bridge.metadata;
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "ServiceMonitor",
      metadata: ownedMetadata(facts, managementName(bridge), { component: "monitoring", labels }),
      spec: {
        selector: { matchLabels: { [bridgeLabel]: name, ...scrapedLabel } },
        endpoints: [
          {
            port: ports.management.name,
            path: "/metrics",
            relabelings: [{ targetLabel: "bridge", replacement: name }],
          },
        ],
      },
    },
  ];
}

/** A Grafana dashboard, for this bridge alone. */
export function buildDashboard(facts: Facts): Owned<ConfigMap>[] {
  const { name, namespace } = facts.bridge.metadata;
  const { enabled = true, labels } = facts.bridge.spec.monitoring?.dashboard ?? {};
  if (!enabled) return [];
  return [
    buildConfigMap(facts, dashboardName(facts.bridge), {
      component: "monitoring",
      // What Grafana's sidecar looks for.
      labels: { grafana_dashboard: "1", ...labels },
      data: {
        [`qrng-bridge-${namespace}-${name}.json`]: JSON.stringify(describeDashboard(facts.bridge)),
      },
    }),
  ];
}
