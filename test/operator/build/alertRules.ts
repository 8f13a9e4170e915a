import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import type { AlertingRule } from "../../../operator/build/alerts/alert.ts";
import type { PrometheusRule } from "../../../operator/build/prometheusRule.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { ofKind } from "./references.ts";
import { goldenSpecs } from "./specs.ts";

interface Group<Rule> {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Without the runbook_url, which the chart's template adds to those on the operator. */
export interface Rule extends Omit<AlertingRule, "annotations"> {
  readonly annotations: Omit<AlertingRule["annotations"], "runbook_url">;
}

/** A spec that there are all alerts on, and all panels of the dashboard. */
export function watchedSpec(): BridgeInput["spec"] {
  const [lab] = goldenSpecs.smallest.sources;
  return {
    sources: [lab!, { ...lab!, name: "roof" }],
    mixing: { strategy: "Xor" },
    monitoring: { scrapeFrom: [{ namespaceSelector: {} }] },
  };
}

/** The alerts of a bridge with that spec. */
export function bridgeGroups(namespace = "physics"): readonly Group<AlertingRule>[] {
  const facts = makeFacts(watchedSpec(), { namespace });
  const [rule] = ofKind<PrometheusRule>(objectsOf(facts), "PrometheusRule");
  return rule!.spec.groups;
}

/** The chart's, on the operator. */
export function operatorGroups(): readonly Group<Rule>[] {
  const root = join(import.meta.dirname, "..", "..", "..");
  return parse(
    readFileSync(join(root, "charts/qrng-bridge/files/alerts.yaml"), "utf8"),
  ) as Group<Rule>[];
}

export function allRules(): Rule[] {
  return [...bridgeGroups(), ...operatorGroups()].flatMap(({ rules }) => rules);
}
