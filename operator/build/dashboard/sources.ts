import { bridge, graph, type Placeable, timeline } from "./panels.ts";

export const sources: readonly Placeable[] = [
  timeline({
    title: "Sources that give bytes",
    description: "Whether the latest fetch gave any.",
    values: "good",
    queries: { "{{source}}": `max by (source) (qrng_source_up{${bridge}})` },
  }),
  timeline({
    title: "Cut off by a health test",
    description: "For good: it has failed as chance never does, and needs a restart.",
    values: "bad",
    queries: {
      "{{source}}": `max by (source) (qrng_source_quarantined{${bridge}})`,
      "{{source}} for good": `max by (source) (qrng_source_failed{${bridge}})`,
    },
  }),
  timeline({
    title: "The mix waits for",
    description: "Nothing goes on for want of it.",
    values: "bad",
    queries: { "{{source}}": `max by (source) (qrng_source_waited_for{${bridge}})` },
  }),
  graph({
    title: "Bytes by source",
    description: "What fetches gave.",
    unit: "Bps",
    queries: {
      "{{source}}": `sum by (source) (rate(qrng_source_fetched_bytes_total{${bridge}}[5m]))`,
    },
  }),
  graph({
    title: "Fetches that failed",
    description: "By source and code; the program's README says what to do.",
    unit: "ops",
    queries: {
      "{{source}} {{outcome}}": `sum by (source, outcome) (rate(qrng_source_fetches_total{${bridge},outcome!="ok"}[5m]))`,
    },
  }),
  graph({
    title: "How long fetches take",
    description: "The 95th of 100, of those that gave bytes.",
    unit: "s",
    queries: {
      "{{source}}": `histogram_quantile(0.95, sum by (source, le) (rate(qrng_source_fetch_duration_seconds_bucket{${bridge}}[5m])))`,
    },
  }),
  graph({
    title: "Health tests failed",
    description: "Within an hour, by source and test. Chance fails one once in years.",
    unit: "none",
    queries: {
      "{{source}} {{test}}": `sum by (source, test) (increase(qrng_source_alarms_total{${bridge}}[1h]))`,
    },
  }),
  graph({
    title: "Bytes that went no further than tests and mix",
    description: "By source and why.",
    unit: "Bps",
    queries: {
      "{{source}} {{reason}}": `sum by (source, reason) (rate(qrng_source_discarded_bytes_total{${bridge}}[5m]))`,
    },
  }),
];
