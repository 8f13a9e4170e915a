import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import type { AlertingRule } from "../../../operator/build/alerts/alert.ts";
import type { PrometheusRule } from "../../../operator/build/prometheusRule.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { ofKind } from "./references.ts";
import { goldenSpecs } from "./specs.ts";

type Groups = PrometheusRule["spec"]["groups"];

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
export function bridgeGroups(namespace = "physics"): Groups {
  const facts = makeFacts(watchedSpec(), { namespace });
  const [rule] = ofKind<PrometheusRule>(objectsOf(facts), "PrometheusRule");
  return rule!.spec.groups;
}

/** The chart's, on the operator. */
export function operatorGroups(): Groups {
  const root = join(import.meta.dirname, "..", "..", "..");
  return parse(readFileSync(join(root, "charts/qrng-bridge/files/alerts.yaml"), "utf8")) as Groups;
}

export function allRules(): AlertingRule[] {
  return [...bridgeGroups(), ...operatorGroups()].flatMap(({ rules }) => rules);
}
