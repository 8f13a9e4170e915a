import { bridge, graph, number, type Placeable, state } from "./panels.ts";

/** What an on-call person looks at first. */
export const serving: readonly Placeable[] = [
  number({
    title: "Fresh bytes",
    description: "In all gateways together. At 0 clients get 503.",
    unit: "bytes",
    queries: { held: `sum(qrng_gateway_buffer_bytes{${bridge}})` },
    steps: [
      [0, "red"],
      [1, "green"],
    ],
  }),
  number({
    title: "Buffers filled",
    description: "Of what all gateways together can hold. Full is well.",
    unit: "percentunit",
    queries: {
      filled: `sum(qrng_gateway_buffer_bytes{${bridge}}) / sum(qrng_gateway_buffer_capacity_bytes{${bridge}})`,
    },
    steps: [
      [0, "red"],
      [0.1, "orange"],
      [0.25, "green"],
    ],
  }),
  number({
    title: "Nothing came for",
    description: "At the gateway that has waited longest; what found no room counts as well.",
    unit: "s",
    queries: { stale: `max(qrng_gateway_stale_seconds{${bridge}})` },
    steps: [
      [0, "green"],
      [60, "orange"],
      [300, "red"],
    ],
  }),
  state({
    title: "Entropy flows",
    description: "The condition EntropyFlowing.",
    values: "condition",
    queries: {
      flows: `max(qrng_operator_bridge_condition{${bridge},type="EntropyFlowing"})`,
    },
  }),
];

export const gatewayFlow: readonly Placeable[] = [
  graph({
    title: "Bytes in and out",
    description: "What all gateways took, before conditioning, and served.",
    unit: "Bps",
    queries: {
      in: `sum(rate(qrng_gateway_accepted_bytes_total{${bridge}}[5m]))`,
      out: `sum(rate(qrng_gateway_bytes_total{${bridge},flow="served"}[5m]))`,
    },
  }),
  graph({
    title: "Fresh bytes held",
    description: "What each gateway can serve. At 0 its clients get 503.",
    unit: "bytes",
    queries: {
      "{{pod}}": `qrng_gateway_buffer_bytes{${bridge}}`,
      "capacity of each": `max(qrng_gateway_buffer_capacity_bytes{${bridge}})`,
    },
  }),
  graph({
    title: "Freshness",
    description: "The oldest byte's age, and for how long nothing has come in.",
    unit: "s",
    queries: {
      "{{pod}} oldest byte": `qrng_gateway_oldest_byte_age_seconds{${bridge}}`,
      "{{pod}} nothing for": `qrng_gateway_stale_seconds{${bridge}}`,
    },
  }),
  graph({
    title: "Bytes that gateways dropped",
    description: "By why. Some expire where clients draw less than comes in.",
    unit: "Bps",
    queries: {
      "{{flow}}": `sum by (flow) (rate(qrng_gateway_bytes_total{${bridge},flow!~"received|served"}[5m]))`,
      "{{reason}}, not conditioned yet": `sum by (reason) (rate(qrng_gateway_carried_lost_bytes_total{${bridge}}[5m]))`,
    },
  }),
  graph({
    title: "FIPS 140-2 tests that incoming blocks failed",
    description: "At the gateways, of all blocks. Good bytes fail 0.08 %.",
    unit: "percentunit",
    queries: {
      "{{test}}": `sum by (test) (rate(qrng_gateway_quality_failures_total{${bridge}}[1h])) / ignoring (test) group_left sum(rate(qrng_gateway_quality_blocks_total{${bridge}}[1h]))`,
    },
  }),
];

export const clients: readonly Placeable[] = [
  graph({
    title: "Requests by status",
    description: "503 is want of bytes, 429 a limit or wrong keys, 401 no right key.",
    unit: "reqps",
    queries: {
      "{{status}}": `sum by (status) (rate(qrng_gateway_requests_total{${bridge}}[5m]))`,
    },
  }),
  graph({
    title: "How long requests take",
    description: "The 95th of 100, by path; waits for bytes count in.",
    unit: "s",
    queries: {
      "{{route}}": `histogram_quantile(0.95, sum by (route, le) (rate(qrng_gateway_request_duration_seconds_bucket{${bridge}}[5m])))`,
    },
  }),
  graph({
    title: "Refused by limits",
    description: "By name of the API key, and limit.",
    unit: "reqps",
    queries: {
      "{{key}} {{limit}}": `sum by (key, limit) (rate(qrng_gateway_rate_limited_total{${bridge}}[5m]))`,
    },
  }),
];

/** As the gateways see them. */
export const intake: readonly Placeable[] = [
  graph({
    title: "Pushes refused, by reason",
    description: "As the gateways see them, whoever pushed. Seen: replayed, or an answer was lost.",
    unit: "ops",
    queries: {
      "{{answer}}": `sum by (answer) (rate(qrng_gateway_pushes_total{${bridge},answer!="taken"}[5m]))`,
    },
  }),
  graph({
    title: "Clocks",
    description:
      "How far the collector's is ahead of each gateway's while packets are refused for that; else 0.",
    unit: "s",
    queries: { "{{pod}}": `qrng_gateway_clock_skew_seconds{${bridge}}` },
  }),
  graph({
    title: "Gaps in the sequence",
    description:
      "Packets that did not follow the one before under the same key: some went elsewhere.",
    unit: "ops",
    queries: {
      "{{pod}}": `sum by (pod) (rate(qrng_gateway_sequence_gaps_total{${bridge}}[5m]))`,
    },
  }),
];
