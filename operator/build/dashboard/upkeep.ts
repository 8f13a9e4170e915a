import { bridge, graph, number, type Placeable, state, timeline } from "./panels.ts";

const controller = 'controller="qrngbridge"';

/** What an on-call person looks at first. */
export const certificate: readonly Placeable[] = [
  number({
    title: "Certificates end in",
    description: "The first of the bridge's. They are renewed at two thirds of their life.",
    unit: "s",
    queries: {
      left: `min(qrng_operator_certificate_expiry_timestamp_seconds{${bridge}}) - time()`,
    },
    steps: [
      [0, "red"],
      [86_400, "orange"],
      [604_800, "green"],
    ],
  }),
];

export const oneWay: readonly Placeable[] = [
  state({
    title: "One way",
    description: "The condition OneWayVerified.",
    values: "condition",
    queries: {
      verified: `max(qrng_operator_bridge_condition{${bridge},type="OneWayVerified"})`,
    },
  }),
];

export const oneWayCheck: readonly Placeable[] = [
  timeline({
    title: "Nothing got through",
    description: "The condition OneWayVerified. Unknown: no check has shown it.",
    values: "condition",
    queries: {
      verified: `max(qrng_operator_bridge_condition{${bridge},type="OneWayVerified"})`,
    },
  }),
  graph({
    title: "Since a check has shown something",
    description:
      "Beyond two intervals (two days, unless the spec says otherwise) it counts no more.",
    unit: "s",
    queries: {
      age: `min(qrng_operator_one_way_verdict_age_seconds{${bridge}})`,
    },
  }),
  graph({
    title: "Checks of all bridges",
    description: "Within a day, by what they came to.",
    unit: "none",
    queries: {
      "{{outcome}}": "sum by (outcome) (increase(qrng_operator_one_way_checks_total[1d]))",
    },
  }),
];

export const conditions: readonly Placeable[] = [
  timeline({
    title: "Conditions",
    description: "As the operator says them. Reconciling and Stalled are well when they are False.",
    values: "condition",
    queries: {
      "{{type}}": `max by (type) (qrng_operator_bridge_condition{${bridge}})`,
    },
  }),
  graph({
    title: "Certificates",
    description: "Until the next is renewed, and until the first ends.",
    unit: "s",
    queries: {
      renewed: `min(qrng_operator_certificate_renewal_timestamp_seconds{${bridge}}) - time()`,
      ends: `min(qrng_operator_certificate_expiry_timestamp_seconds{${bridge}}) - time()`,
    },
  }),
];

export const rotation: readonly Placeable[] = [
  graph({
    title: "Next signing key in",
    description: "None while one is published and does not sign yet. Below 0 it is overdue.",
    unit: "s",
    queries: {
      due: `min(qrng_operator_next_rotation_timestamp_seconds{${bridge}}) - time()`,
    },
  }),
  timeline({
    title: "A new signing key waits",
    description: "For the propagation time, and for every gateway to report it.",
    values: "bad",
    queries: { waits: `max(qrng_operator_rotation_under_way{${bridge}})` },
  }),
];

export const operator: readonly Placeable[] = [
  timeline({
    title: "Leads",
    description: "One operator works; others wait.",
    values: "good",
    queries: {
      "{{pod}}": 'max by (pod) (leader_election_master_status{name=~"qrng-bridge-operator|none"})',
    },
  }),
  graph({
    title: "Reconciles",
    description: "Of all bridges, by result. At rest there are few.",
    unit: "ops",
    queries: {
      "{{result}}": `sum by (result) (rate(controller_runtime_reconcile_total{${controller}}[5m]))`,
    },
  }),
  graph({
    title: "How long reconciles take",
    description: "The 95th of 100.",
    unit: "s",
    queries: {
      "95 %": `histogram_quantile(0.95, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{${controller}}[5m])))`,
    },
  }),
  graph({
    title: "Queue",
    description: "Bridges that wait, and that are worked on.",
    unit: "none",
    queries: {
      waiting: 'sum(workqueue_depth{name="qrngbridge"})',
      "worked on": `sum(controller_runtime_active_workers{${controller}})`,
      "at most": `sum(controller_runtime_max_concurrent_reconciles{${controller}})`,
    },
  }),
  graph({
    title: "Requests to the API server",
    description: "By answer.",
    unit: "reqps",
    queries: {
      "{{code}}":
        "sum by (code) (rate(rest_client_requests_total[5m]) and on (instance) qrng_operator_informer_follows)",
    },
  }),
  timeline({
    title: "Follows the cluster",
    description: "By kind.",
    values: "good",
    queries: { "{{informer}}": "min by (informer) (qrng_operator_informer_follows)" },
  }),
];
