import type { Alert } from "./alert.ts";

/** What a rotation may take beyond `signing.propagationSeconds`: all gateways have to report. */
const rotationSlack = 3_600;

/** On signing keys, by what the operator says. @param propagation seconds */
export function rotationAlerts(series: string, propagation: number): Alert[] {
  const next = `qrng_operator_next_rotation_timestamp_seconds{${series}}`;
  const underWay = `qrng_operator_rotation_under_way{${series}}`;
  return [
    {
      name: "QrngRotationOverdue",
      expr:
        `time() - max by (namespace, bridge) (${next}) > 0 or ` +
        `max by (namespace, bridge) (${underWay}) == 1`,
      for: `${propagation + rotationSlack}s`,
      severity: "warning",
      summary: "The signing key of bridge {{ $labels.bridge }} should have been replaced",
      description:
        "The next key is due, or published and not in use, for longer than that takes. The key before still signs. The condition SigningKeyCurrent says why.",
    },
  ];
}

export function certificateAlerts(series: string): Alert[] {
  const time = (what: string) =>
    `max by (namespace, bridge) (qrng_operator_certificate_${what}_timestamp_seconds{${series}})`;
  return [
    {
      name: "QrngCertificateExpiring",
      // Half of what was to be left at the renewal; so it fits certificates of any life.
      expr: `${time("expiry")} - time() < (${time("expiry")} - ${time("renewal")}) / 2`,
      for: "10m",
      severity: "critical",
      summary: "A certificate of bridge {{ $labels.bridge }} ends soon",
      description:
        "It should have been renewed, and ends in {{ $value | humanizeDuration }}. After that no packet is pushed and clients refuse the gateways.",
    },
  ];
}

/** For whom `monitoring.scrapeFrom` lets scrape. @param metrics one of each program */
export function scrapeAlerts(series: string, metrics: readonly string[]): Alert[] {
  return [
    {
      name: "QrngNotScraped",
      expr: metrics.map((metric) => `absent(${metric}{${series}})`).join(" or "),
      for: "15m",
      severity: "warning",
      summary: "Prometheus sees nothing of a program of bridge {{ $labels.bridge }}",
      description:
        "No pod of the program runs, or Prometheus does not reach its management port. The bridge's other alerts are blind.",
    },
  ];
}
