import { bridge, graph, type Placeable } from "./panels.ts";

export const collectorFlow: readonly Placeable[] = [
  graph({
    title: "Bytes that the collector holds",
    description: "Between fetch and push. It fetches no more while that is full.",
    unit: "bytes",
    queries: {
      held: `sum(qrng_collector_buffer_bytes{${bridge}})`,
      capacity: `sum(qrng_collector_buffer_capacity_bytes{${bridge}})`,
    },
  }),
  graph({
    title: "Bytes that the collector lost",
    description: "By why. Some expire where gateways are full for long.",
    unit: "Bps",
    queries: {
      "{{reason}}": `sum by (reason) (rate(qrng_collector_lost_bytes_total{${bridge}}[5m]))`,
    },
  }),
];

/** As the collector sees them. */
export const pushes: readonly Placeable[] = [
  graph({
    title: "Pushes by outcome",
    description:
      "As the collector sees them. Full is well: clients draw less than the sources give.",
    unit: "ops",
    queries: {
      "{{outcome}}": `sum by (outcome) (rate(qrng_collector_pushes_total{${bridge}}[5m]))`,
    },
  }),
  graph({
    title: "Gateway instances of the collector",
    description: "Those that rest failed a push; full ones rest for a second.",
    unit: "none",
    queries: { "{{state}}": `sum by (state) (qrng_collector_instances{${bridge}})` },
  }),
  graph({
    title: "Last delivery",
    description: "How long ago a gateway took a packet of the collector.",
    unit: "s",
    queries: {
      ago: `time() - max(qrng_collector_last_delivery_timestamp_seconds{${bridge}})`,
    },
  }),
];
