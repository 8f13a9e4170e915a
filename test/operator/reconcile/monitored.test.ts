import { expect, test } from "vitest";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { sayMonitored } from "../../../operator/reconcile/monitored.ts";
import { allOffered, makeFacts } from "../build/facts.ts";

const sources: BridgeInput["spec"]["sources"] = [
  { name: "lab", type: "Quantis", url: "https://192.0.2.10" },
];
const off = { enabled: false };
const scrapeFrom = [{ podSelector: {} }];
const none = { ...allOffered, serviceMonitor: false, prometheusRule: false };

function say(monitoring: BridgeInput["spec"]["monitoring"], offered = allOffered) {
  return sayMonitored(makeFacts({ sources, monitoring }, { offered }));
}

test.each([
  ["nobody is named", undefined, allOffered, "False", "NobodyMayScrape"],
  ["somebody is named", { scrapeFrom }, allOffered, "True", "Monitored"],
  ["nobody is to scrape", { serviceMonitor: off }, allOffered, "True", "Monitored"],
  ["the kinds are missing", { scrapeFrom }, none, "False", "KindMissing"],
  ["nothing is wanted", { serviceMonitor: off, prometheusRule: off }, none, "Unknown", "NotWanted"],
] as const)("where %s", (_, monitoring, offered, status, reason) => {
  const copy = structuredClone(monitoring) as BridgeInput["spec"]["monitoring"];
  expect(say(copy, offered)).toMatchObject({ status, reason });
});

test("only the kinds that are wanted are said to be missing", () => {
  expect(say({ prometheusRule: off }, none).message).toMatch(/monitoring\.serviceMonitor: made/);
  expect(say({}, none).message).toContain("serviceMonitor and prometheusRule");
});
