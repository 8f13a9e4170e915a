import type { Facts } from "../build/facts.ts";
import { isFalse, isTrue, isUnknown, type Saying } from "./conditions.ts";

/** Whether what watches the bridge is made, and can reach it. */
export function sayMonitored({ bridge, offered }: Pick<Facts, "bridge" | "offered">): Saying {
  const { serviceMonitor, prometheusRule, scrapeFrom = [] } = bridge.spec.monitoring ?? {};
  const isScraped = serviceMonitor?.enabled ?? true;
  const hasAlerts = prometheusRule?.enabled ?? true;
  if (!isScraped && !hasAlerts) return isUnknown("NotWanted", "monitoring is not enabled");
  const missing = [
    ...(isScraped && !offered.serviceMonitor ? ["serviceMonitor"] : []),
    ...(hasAlerts && !offered.prometheusRule ? ["prometheusRule"] : []),
  ];
  if (missing.length > 0) {
    const message = `this cluster does not know the kinds of monitoring.${missing.join(" and ")}: made as soon as it does; install the Prometheus Operator, or set enabled: false`;
    return isFalse("KindMissing", message);
  }
  if (isScraped && scrapeFrom.length === 0) {
    const message =
      "monitoring.scrapeFrom names nobody, so policies keep everybody from /metrics: name Prometheus's pods there";
    return isFalse("NobodyMayScrape", message);
  }
  return isTrue("Monitored", "what is enabled is made, and whom scrapeFrom names may scrape");
}
