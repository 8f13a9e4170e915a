import { countAt, counter, gauge } from "./series.ts";

export type Series = Readonly<Record<string, string>>;

/** What happens to a healthy bridge and its operator, and what of it an alert says. */
export interface Case {
  readonly alert: string;
  readonly what: string;
  /** In the place of the healthy ones. */
  readonly series: Series;
  /** By minute: whether the alert fires. No other alert ever does. */
  readonly fires: Readonly<Record<number, boolean>>;
}

const bridge = 'namespace="physics",bridge="lab"';
const all = 240;
const always = (value: number) => gauge([value, all]);
const condition = (type: string, pod = "p") =>
  `qrng_operator_bridge_condition{${bridge},type="${type}",pod="${pod}"}`;
const pushes = (answer: string, pod = "a") =>
  `qrng_gateway_pushes_total{${bridge},answer="${answer}",pod="${pod}"}`;
const buffer = (pod: string) => `qrng_gateway_buffer_bytes{${bridge},pod="${pod}"}`;
const skew = `qrng_gateway_clock_skew_seconds{${bridge},pod="b"}`;
const ofSource = (metric: string, source = "lab") => `${metric}{${bridge},source="${source}"}`;
const upkeep = (what: string) => `qrng_operator_${what}{${bridge}}`;
const inOperator = (metric: string, labels: string) =>
  `${metric}{namespace="qrng-system",${labels}}`;
const leads = (pod: string) =>
  inOperator("leader_election_master_status", `name="qrng-bridge-operator",pod="${pod}"`);
const reconciles = inOperator(
  "controller_runtime_reconcile_total",
  'controller="qrngbridge",result="success"',
);
const errors = inOperator("controller_runtime_reconcile_errors_total", 'controller="qrngbridge"');

/** A bridge whose bytes flow, with what is normal; and others, whose troubles are not its own. */
export const healthy: Series = {
  [buffer("a")]: always(0),
  [buffer("b")]: always(50),
  [`qrng_gateway_buffer_capacity_bytes{${bridge},pod="a"}`]: always(50),
  [`qrng_gateway_buffer_capacity_bytes{${bridge},pod="b"}`]: always(50),
  [`qrng_gateway_stale_seconds{${bridge},pod="a"}`]: always(300),
  [`qrng_gateway_quality_alarm{${bridge},pod="a"}`]: always(0),
  [pushes("taken")]: counter([60, all]),
  [pushes("taken", "b")]: counter([60, all]),
  [pushes("seen")]: counter([0.6, all]),
  [pushes("signature")]: counter([0.6, all]),
  [pushes("stale", "b")]: counter([6, all]),
  [skew]: always(0),
  [ofSource("qrng_source_up")]: always(1),
  [ofSource("qrng_source_quarantined")]: always(0),
  [ofSource("qrng_source_failed")]: always(0),
  [ofSource("qrng_source_waited_for")]: always(0),
  [`qrng_source_alarms_total{${bridge},source="lab",test="runs"}`]: countAt([20, 50, 90], all),
  [`qrng_collector_buffer_bytes{${bridge},pod="c"}`]: always(0),
  [`qrng_collector_pushes_total{${bridge},outcome="refused"}`]: counter([60, all]),
  [`qrng_collector_delivered_bytes_total{${bridge}}`]: counter([6_000, all]),
  [condition("EntropyFlowing")]: always(1),
  [condition("OneWayVerified")]: always(1),
  [condition("Stalled")]: always(0),
  [upkeep("next_rotation_timestamp_seconds")]: always(all * 60),
  [upkeep("rotation_under_way")]: always(0),
  [upkeep("certificate_renewal_timestamp_seconds")]: always(20_000),
  [upkeep("certificate_expiry_timestamp_seconds")]: always(30_000),
  [leads("p")]: always(1),
  [leads("q")]: always(0),
  [reconciles]: counter([1, all]),
  // The API server was away for a minute: what is over is no alert.
  [errors]: counter([0, 10], [20, 1], [0, all - 11]),
  [inOperator("workqueue_depth", 'name="qrngbridge"')]: always(1),
  [inOperator("controller_runtime_active_workers", 'controller="qrngbridge"')]: always(1),
  [inOperator("qrng_operator_informer_follows", 'informer="pods"')]: always(1),
  'qrng_gateway_buffer_bytes{namespace="physics",bridge="other",pod="a"}': always(0),
  'qrng_operator_bridge_condition{namespace="physics",bridge="other",type="EntropyFlowing"}':
    always(0),
  'qrng_operator_bridge_condition{namespace="physics",bridge="other",type="OneWayVerified"}':
    always(-1),
  'qrng_source_up{namespace="chemistry",bridge="lab",source="lab"}': always(0),
};

export const cases: readonly Case[] = [
  {
    alert: "QrngNoBytes",
    what: "the last gateway with bytes is empty",
    series: { [buffer("b")]: gauge([50, 30], [0, 20], [50, 60]) },
    fires: { 34: false, 35: true, 49: true, 50: false },
  },
  {
    alert: "QrngNoBytes",
    what: "the operator sees none, and nobody scrapes the gateways",
    series: {
      [condition("EntropyFlowing")]: gauge([-1, 30], [0, 30], [1, 60]),
      [condition("OneWayVerified")]: always(1),
    },
    fires: { 34: false, 35: true, 59: true, 60: false },
  },
  {
    alert: "QrngBufferLow",
    what: "just under a tenth is held",
    series: { [buffer("a")]: gauge([6, 30], [4, 60], [6, 60]), [buffer("b")]: always(5) },
    fires: { 59: false, 60: true, 89: true, 90: false },
  },
  {
    alert: "QrngStale",
    what: "a pod gets nothing",
    series: {
      [`qrng_gateway_stale_seconds{${bridge},pod="a"}`]: gauge([300, 30], [310, 30], [0, 60]),
    },
    fires: { 34: false, 35: true, 59: true, 60: false },
  },
  {
    alert: "QrngQualityAlarm",
    what: "blocks fail",
    series: { [`qrng_gateway_quality_alarm{${bridge},pod="a"}`]: gauge([0, 30], [1, 9], [0, 60]) },
    fires: { 29: false, 30: true, 38: true, 39: false },
  },
  {
    alert: "QrngReplayedPushes",
    what: "what was taken comes again, a little more often than lost answers explain",
    series: { [pushes("seen")]: counter([0.6, 30], [0.8, 60], [0, 60]) },
    fires: { 29: false, 46: true, 89: true, 106: false },
  },
  {
    alert: "QrngReplayedPushes",
    what: "old packets come while new ones are taken",
    series: { [pushes("stale", "b")]: counter([6, 30], [8, 60], [0, 60]) },
    fires: { 29: false, 46: true, 89: true, 106: false },
  },
  {
    alert: "QrngReplayedPushes",
    what: "old packets come, and soon nothing else: then it is no replay",
    series: {
      [pushes("taken")]: counter([60, 30], [0, 60]),
      [pushes("taken", "b")]: counter([60, 30], [0, 60]),
      [pushes("stale", "b")]: counter([6, 30], [200, 4], [0, 60]),
    },
    fires: { 29: false, 40: true, 47: false },
  },
  {
    alert: "QrngForgedPushes",
    what: "signatures of nobody",
    series: { [pushes("signature")]: counter([0.6, 30], [0.8, 60], [0, 60]) },
    fires: { 29: false, 51: true, 89: true, 106: false },
  },
  {
    alert: "QrngForgedPushes",
    what: "no packets at all, hundreds at once",
    series: { [pushes("malformed")]: counter([0, 30], [1_000, 1], [0, 120]) },
    fires: { 34: false, 35: true, 44: true, 46: false },
  },
  {
    alert: "QrngClockSkew",
    what: "from then on no packet is fresh",
    series: { [skew]: gauge([0, 30], [-40, 30], [0, 60]) },
    fires: { 34: false, 35: true, 59: true, 60: false },
  },
  {
    alert: "QrngClockSkew",
    what: "the last packet was refused for its time, and none has come since",
    series: {
      [skew]: gauge([0, 30], [300, 60]),
      [pushes("stale", "b")]: counter([6, 30], [0, 60]),
    },
    fires: { 41: false, 59: false },
  },
  {
    alert: "QrngSourceDown",
    what: "fetches fail",
    series: { [ofSource("qrng_source_up")]: gauge([1, 30], [0, 30], [1, 60]) },
    fires: { 39: false, 40: true, 59: true, 60: false },
  },
  {
    alert: "QrngSourceQuarantined",
    what: "it fails a test and does not pass again",
    series: { [ofSource("qrng_source_quarantined")]: gauge([0, 30], [1, 30], [0, 60]) },
    fires: { 30: false, 31: true, 59: true, 60: false },
  },
  {
    alert: "QrngSourceQuarantined",
    what: "it fails for the third time within an hour",
    series: {
      [`qrng_source_alarms_total{${bridge},source="lab",test="runs"}`]: countAt([20, 50, 70], all),
    },
    fires: { 70: false, 72: true, 77: true, 81: false },
  },
  {
    alert: "QrngSourceFailed",
    what: "it fails as chance never does",
    series: { [ofSource("qrng_source_failed")]: gauge([0, 30], [1, 30], [0, 60]) },
    fires: { 29: false, 30: true, 59: true, 60: false },
  },
  {
    alert: "QrngMixWaits",
    what: "one of two gives nothing",
    series: { [ofSource("qrng_source_waited_for")]: gauge([0, 30], [1, 30], [0, 60]) },
    fires: { 39: false, 40: true, 59: true, 60: false },
  },
  {
    alert: "QrngPushesFail",
    what: "nothing is delivered any more",
    series: {
      [`qrng_collector_delivered_bytes_total{${bridge}}`]: counter([6_000, 30], [0, 30], [60, 60]),
    },
    fires: { 42: false, 46: true, 59: true, 62: false },
  },
  {
    alert: "QrngPushesFail",
    what: "nothing is pushed",
    series: {
      [`qrng_collector_pushes_total{${bridge},outcome="refused"}`]: counter([60, 30], [0, 60]),
      [`qrng_collector_delivered_bytes_total{${bridge}}`]: counter([6_000, 30], [0, 60]),
    },
    fires: { 46: false, 59: false },
  },
  {
    alert: "QrngRotationOverdue",
    what: "the next key does not come",
    series: { [upkeep("next_rotation_timestamp_seconds")]: gauge([1_800, 120], [all * 60, 60]) },
    fires: { 92: false, 93: true, 119: true, 120: false },
  },
  {
    alert: "QrngRotationOverdue",
    what: "the next key is published, and never signs",
    series: {
      [upkeep("next_rotation_timestamp_seconds")]: gauge([undefined, all]),
      [upkeep("rotation_under_way")]: gauge([0, 30], [1, 90], [0, 60]),
    },
    fires: { 91: false, 92: true, 119: true, 120: false },
  },
  {
    alert: "QrngCertificateExpiring",
    what: "half of the time to renew it is over",
    series: {
      [upkeep("certificate_renewal_timestamp_seconds")]: gauge([3_000, 150], [20_000, 60]),
      [upkeep("certificate_expiry_timestamp_seconds")]: gauge([12_000, 150], [30_000, 60]),
    },
    fires: { 135: false, 136: true, 149: true, 150: false },
  },
  {
    alert: "QrngNotScraped",
    what: "the collector's series end",
    series: {
      [`qrng_collector_buffer_bytes{${bridge},pod="c"}`]: gauge([0, 30], [undefined, 60], [0, 60]),
    },
    fires: { 48: false, 51: true, 89: true, 90: false },
  },
  {
    alert: "QrngNotScraped",
    what: "the gateways' series end",
    series: {
      [buffer("a")]: gauge([undefined, all]),
      [buffer("b")]: gauge([50, 30], [undefined, 60], [50, 60]),
    },
    fires: { 48: false, 51: true, 89: true, 90: false },
  },
  {
    alert: "QrngOperatorDown",
    what: "nobody leads",
    series: { [leads("p")]: gauge([1, 30], [0, 30], [1, 60]) },
    fires: { 39: false, 40: true, 59: true, 60: false },
  },
  {
    alert: "QrngOperatorDown",
    what: "no operator is there",
    series: {
      [leads("p")]: gauge([1, 30], [undefined, 60], [1, 60]),
      [leads("q")]: gauge([0, 30], [undefined, 60], [0, 60]),
    },
    fires: { 43: false, 46: true, 89: true, 90: false },
  },
  {
    alert: "QrngOperatorDown",
    what: "another one takes over",
    series: {
      [leads("p")]: gauge([1, 30], [0, 60]),
      [leads("q")]: gauge([0, 31], [1, 60]),
    },
    fires: { 31: false, 41: false, 89: false },
  },
  {
    alert: "QrngReconcilesFail",
    what: "an attempt every 1000 s fails",
    series: { [errors]: countAt([31, 47, 63, 79], all) },
    fires: { 60: false, 61: true, 97: true, 99: false },
  },
  {
    alert: "QrngQueueStuck",
    what: "no work ends",
    series: { [reconciles]: counter([1, 30], [0, 60], [1, 60]) },
    fires: { 52: false, 56: true, 89: true, 92: false },
  },
  {
    alert: "QrngQueueStuck",
    what: "nothing is left to do",
    series: {
      [reconciles]: counter([1, 30], [0, 60], [1, 60]),
      [inOperator("workqueue_depth", 'name="qrngbridge"')]: gauge([1, 25], [0, 150]),
      [inOperator("controller_runtime_active_workers", 'controller="qrngbridge"')]: gauge(
        [1, 25],
        [0, 150],
      ),
    },
    fires: { 56: false, 89: false },
  },
  {
    alert: "QrngOperatorBlind",
    what: "a watch fails",
    series: {
      [inOperator("qrng_operator_informer_follows", 'informer="pods"')]: gauge(
        [1, 30],
        [0, 30],
        [1, 60],
      ),
    },
    fires: { 44: false, 45: true, 59: true, 60: false },
  },
  {
    alert: "QrngBridgeStalled",
    what: "it waits for a Secret",
    series: { [condition("Stalled")]: gauge([0, 30], [1, 30], [0, 60]) },
    fires: { 44: false, 45: true, 59: true, 60: false },
  },
  {
    alert: "QrngOneWayBroken",
    what: "a check connected",
    series: { [condition("OneWayVerified")]: gauge([1, 30], [0, 10], [1, 60]) },
    fires: { 29: false, 30: true, 39: true, 40: false },
  },
  {
    alert: "QrngOneWayUnproven",
    what: "the last check is too old",
    series: { [condition("OneWayVerified")]: gauge([1, 30], [-1, 90], [1, 60]) },
    fires: { 89: false, 90: true, 119: true, 120: false },
  },
];
