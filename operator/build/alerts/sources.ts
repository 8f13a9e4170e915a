import type { Alert } from "./alert.ts";

/** On sources, whoever fetches from them. @param series the bridge's labels */
export function sourceAlerts(series: string): Alert[] {
  const perSource = "by (namespace, bridge, source)";
  const quarantined = `max ${perSource} (qrng_source_quarantined{${series}})`;
  const alarms = `sum ${perSource} (increase(qrng_source_alarms_total{${series}}[1h]))`;
  return [
    {
      name: "QrngSourceDown",
      expr: `max ${perSource} (qrng_source_up{${series}}) == 0`,
      for: "10m",
      severity: "warning",
      summary: "Source {{ $labels.source }} of bridge {{ $labels.bridge }} gives no bytes",
      description: "The pod's log says why, with a code; the program's README says what to do.",
    },
    {
      name: "QrngSourceQuarantined",
      // One false alarm is over within seconds; a source that is bad at times is seen by its count.
      expr: `${quarantined} == 1 or ${alarms} >= 3`,
      for: "1m",
      severity: "warning",
      summary: "Source {{ $labels.source }} of bridge {{ $labels.bridge }} fails health tests",
      description:
        "It is cut off until it passes them again, and nothing of what failed is served. The log names the test.",
    },
    {
      name: "QrngSourceFailed",
      expr: `max ${perSource} (qrng_source_failed{${series}}) == 1`,
      for: "0m",
      severity: "critical",
      summary: "Source {{ $labels.source }} of bridge {{ $labels.bridge }} is cut off for good",
      description:
        "It failed a health test as chance does once in 2^80. Find out why before you restart who fetches from it.",
    },
  ];
}

/** Where bytes are mixed from several sources. */
export function mixingAlerts(series: string): Alert[] {
  return [
    {
      name: "QrngMixWaits",
      expr: `max by (namespace, bridge, source) (qrng_source_waited_for{${series}}) == 1`,
      for: "10m",
      severity: "critical",
      summary: "Bridge {{ $labels.bridge }} stands still for want of source {{ $labels.source }}",
      description:
        "Bytes are never mixed from fewer sources than spec.mixing asks for: nothing goes on until it gives bytes again.",
    },
  ];
}

export function collectorAlerts(series: string): Alert[] {
  const pushes = `qrng_collector_pushes_total{${series},outcome=~"refused|unreachable|misdirected|unknown"}`;
  const delivered = `qrng_collector_delivered_bytes_total{${series}}`;
  return [
    {
      name: "QrngPushesFail",
      expr:
        `sum by (namespace, bridge) (rate(${pushes}[5m])) > 0 unless ` +
        `sum by (namespace, bridge) (rate(${delivered}[5m])) > 0`,
      for: "10m",
      severity: "critical",
      summary: "The collector of bridge {{ $labels.bridge }} delivers nothing",
      description:
        "All its pushes fail: see their outcomes, the NetworkPolicies, clocks and certificates.",
    },
  ];
}
