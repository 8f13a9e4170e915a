export interface Alert {
  readonly name: string;
  /** PromQL; one series for each thing that is wrong, with the labels that the texts name. */
  readonly expr: string;
  /** How long it must hold, as Prometheus writes durations. */
  readonly for: string;
  /** Critical where clients get no bytes, or bytes that may be bad, or the flow is not one-way. */
  readonly severity: "critical" | "warning";
  readonly summary: string;
  readonly description: string;
}

/** A rule of monitoring.coreos.com/v1: the fields that are written here. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: Alert["severity"] };
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook_url", string>>;
}

/** @param runbooks the URL of a folder with a page for each alert, named after it */
export function ruleOf(alert: Alert, runbooks: string): AlertingRule {
  const { name, expr, severity, summary, description } = alert;
  return {
    alert: name,
    expr,
    for: alert.for,
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}/${name}.md` },
  };
}
