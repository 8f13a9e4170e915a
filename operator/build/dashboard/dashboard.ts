import { createHash } from "node:crypto";
import type { StoredBridge } from "../../bridge/schema.ts";
import { collectorFlow, pushes } from "./collector.ts";
import { clients, gatewayFlow, intake, serving } from "./gateway.ts";
import type { Placeable } from "./panels.ts";
import type { Dashboard } from "./schema.ts";
import { sources } from "./sources.ts";
import { certificate, conditions, oneWay, oneWayCheck, operator, rotation } from "./upkeep.ts";

type Section = readonly [title: string, panels: readonly Placeable[]];
type Topology = StoredBridge["spec"]["topology"];

const columns = 24;

/** The dashboard of a bridge. Grafana tells dashboards apart by uid, of at most 40 characters. */
export function describeDashboard({ metadata, spec }: Pick<StoredBridge, "metadata" | "spec">) {
  const { namespace, name } = metadata;
  const id = createHash("sha256").update(`${namespace}/${name}`).digest("hex").slice(0, 32);
  const constants = { namespace, bridge: name };
  return {
    uid: `qrng-${id}`,
    title: `QRNG Bridge ${namespace}/${name}`,
    schemaVersion: 39,
    tags: ["qrng-bridge"],
    editable: false,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    annotations: { list: [] },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus" },
        ...Object.entries(constants).map(constant),
      ],
    },
    panels: place(sectionsOf(spec.topology)),
  } satisfies Dashboard;
}

function constant([name, value]: readonly [string, string]) {
  const current = { value, text: value };
  return { name, type: "constant", hide: 2, query: value, current } as const;
}

/** Only what the topology has series of. */
function sectionsOf(topology: Topology): Section[] {
  const hasGateways = topology !== "CollectorOnly";
  const hasCollector = topology === "InCluster" || topology === "CollectorOnly";
  const isPushed = topology !== "Direct";
  const sections: Section[] = [
    ["Now", [...when(hasGateways, serving), ...when(isPushed, oneWay), ...certificate]],
    ["Flow", [...when(hasGateways, gatewayFlow), ...when(hasCollector, collectorFlow)]],
    ["Clients", when(hasGateways, clients)],
    ["Pushes", [...when(hasCollector, pushes), ...when(hasGateways && isPushed, intake)]],
    ["Sources and health tests", when(topology !== "GatewayOnly", sources)],
    ["Keys and certificates", [...conditions, ...when(isPushed, rotation)]],
    ["One-way check", when(isPushed, oneWayCheck)],
    ["The operator's loop", operator],
  ];
  return sections.filter(([, panels]) => panels.length > 0);
}

function when(is: boolean, panels: readonly Placeable[]): readonly Placeable[] {
  return is ? panels : [];
}

/** From left to right in rows, each section below its title. */
function place(sections: readonly Section[]): Dashboard["panels"] {
  let [id, y] = [0, 0];
  return sections.flatMap(([title, placeables]) => {
    const row = {
      id: (id += 1),
      type: "row" as const,
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: [],
    };
    y += 1;
    let x = 0;
    const placed = placeables.map(({ panel, width: w, height: h }) => {
      if (x + w > columns) [x, y] = [0, y + h];
      const gridPos = { x, y, w, h };
      x += w;
      return { ...panel, id: (id += 1), gridPos };
    });
    y += placeables.at(-1)?.height ?? 0;
    return [row, ...placed];
  });
}
