import type { Alert } from "./alert.ts";

/** On what clients are served. @param series the bridge's labels, as a selector has them */
export function servingAlerts(series: string): Alert[] {
  const bytes = `sum by (namespace, bridge) (qrng_gateway_buffer_bytes{${series}})`;
  const capacity = `sum by (namespace, bridge) (qrng_gateway_buffer_capacity_bytes{${series}})`;
  const flowing = `qrng_operator_bridge_condition{${series},type="EntropyFlowing"}`;
  return [
    {
      name: "QrngNoBytes",
      // The operator asks gateways itself: it knows where nobody may scrape the bridge.
      expr: `${bytes} == 0 or max by (namespace, bridge) (${flowing}) == 0`,
      for: "5m",
      severity: "critical",
      summary: "Bridge {{ $labels.bridge }} has no fresh bytes",
      description:
        "All gateways are empty: clients get 503. See the sources and the collector's pushes.",
    },
    {
      name: "QrngBufferLow",
      expr: `${bytes} / ${capacity} < 0.1`,
      for: "30m",
      severity: "warning",
      summary: "The gateways of bridge {{ $labels.bridge }} are nearly empty",
      description:
        "For half an hour they have held {{ $value | humanizePercentage }} of what they can: clients draw as fast as bytes come in, or faster.",
    },
    {
      name: "QrngStale",
      expr: `max by (namespace, bridge, pod) (qrng_gateway_stale_seconds{${series}}) > 300`,
      for: "5m",
      severity: "warning",
      summary: "Nothing comes in at {{ $labels.pod }}",
      description:
        "For {{ $value | humanizeDuration }} it has neither taken bytes nor turned any away for want of room: it serves what it holds until that is used up or too old.",
    },
    {
      name: "QrngQualityAlarm",
      expr: `max by (namespace, bridge, pod) (qrng_gateway_quality_alarm{${series}}) == 1`,
      for: "0m",
      severity: "critical",
      summary: "Incoming bytes at {{ $labels.pod }} fail the FIPS 140-2 tests too often",
      description: "A source may be broken. Its health tests and the dashboard say which.",
    },
  ];
}

/** On what the push listener refuses. */
export function intakeAlerts(series: string): Alert[] {
  const answers = (names: string) => `qrng_gateway_pushes_total{${series},answer=~"${names}"}`;
  const increase = (names: string) =>
    `sum by (namespace, bridge) (increase(${answers(names)}[15m]))`;
  const refused = `sum by (namespace, bridge, pod) (rate(${answers("stale")}[5m]))`;
  return [
    {
      name: "QrngReplayedPushes",
      // An answer that is lost on its way has its packet repeated: a few of these are normal. So are
      // stale ones, of a gateway that was killed meanwhile; and where nothing is taken, the clocks are to blame.
      expr:
        `${increase("seen|known")} > 10 or ` +
        `(${increase("stale")} > 100 and ${increase("taken")} > 0)`,
      for: "0m",
      severity: "warning",
      summary: "Packets for bridge {{ $labels.bridge }} come again",
      description:
        "Within a quarter of an hour {{ $value | humanize }} packets were refused that had been pushed before. None of their bytes is served twice. Somebody replays them, or the network loses answers.",
    },
    {
      name: "QrngForgedPushes",
      expr: `${increase("signature|audience|malformed")} > 10`,
      for: "5m",
      severity: "warning",
      summary: "Bridge {{ $labels.bridge }} gets packets that are not for it",
      description:
        "Within a quarter of an hour {{ $value | humanize }} packets had no good signature, were for another gateway, or were none. A key or an address is wrong, or somebody tries.",
    },
    {
      name: "QrngClockSkew",
      expr: `max by (namespace, bridge, pod) (qrng_gateway_clock_skew_seconds{${series}}) != 0 and ${refused} > 0`,
      for: "5m",
      severity: "critical",
      summary: "{{ $labels.pod }} takes no packet for its signing time",
      description:
        "The collector's clock is {{ $value }} s ahead of the gateway's; below 0 it is behind. Packets are taken up to 2 s ahead and 30 s behind.",
    },
  ];
}
