import dashboard from "./dashboard.json" with { type: "json" };
import { createHash } from "node:crypto";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { buildConfigMap } from "./configMap.ts";
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

/** The checked-in dashboard, for this bridge: Grafana tells dashboards apart by uid. */
export function buildDashboard(facts: Facts): Owned<ConfigMap>[] {
  const { name, namespace } = facts.bridge.metadata;
  const { enabled = true, labels } = facts.bridge.spec.monitoring?.dashboard ?? {};
  if (!enabled) return [];
  const id = createHash("sha256").update(`${namespace}/${name}`).digest("hex").slice(0, 32);
  const variables = { namespace, bridge: name };
  const own = {
    ...dashboard,
    uid: `qrng-${id}`,
    title: `QRNG Bridge ${namespace}/${name}`,
    templating: {
      list: [...dashboard.templating.list, ...Object.entries(variables).map(constant)],
    },
  };
  return [
    buildConfigMap(facts, dashboardName(facts.bridge), {
      component: "monitoring",
      // What Grafana's sidecar looks for.
      labels: { grafana_dashboard: "1", ...labels },
      data: { [`qrng-bridge-${namespace}-${name}.json`]: JSON.stringify(own) },
    }),
  ];
}

function constant([name, query]: readonly [string, string]) {
  return { name, type: "constant", hide: 2, query, current: { value: query, text: query } };
}
