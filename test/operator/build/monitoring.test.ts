import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { describe, expect, test } from "vitest";
import type { Dashboard } from "../../../operator/build/dashboard/schema.ts";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { defaultRunbooks } from "../../../operator/build/settings.ts";
import { allRules, bridgeGroups } from "./alertRules.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { ofKind } from "./references.ts";
import { goldenNames, goldenSpecs } from "./specs.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const programs = globSync("{collector,gateway,common,operator}/**/*.ts", {
  cwd: root,
  exclude: ["operator/build/**"], // or else what asks for a metric would be where it is
})
  .map((file) => readFileSync(join(root, file), "utf8"))
  .join("\n");
const pages = readdirSync(join(root, "docs/runbooks")).filter((file) => file !== "README.md");
const readPage = (file: string) => readFileSync(join(root, "docs/runbooks", file), "utf8");

function expectKnownMetrics(text: string): void {
  const prefix = /\b(?:qrng|controller_runtime|workqueue|rest_client|leader_election)_[a-z0-9_]+/g;
  const names = new Set(text.match(prefix)?.map((name) => name.replace(/_bucket$/, "")));
  expect(names.size).toBeGreaterThan(0);
  for (const name of names) expect(programs, name).toContain(`"${name}"`);
}

function dashboardOf(
  spec: (typeof goldenSpecs)[keyof typeof goldenSpecs],
  name = "lab",
  namespace = "physics",
) {
  const maps = ofKind<ConfigMap & OwnedObject>(
    objectsOf(makeFacts(spec, { namespace, name })),
    "ConfigMap",
  );
  const { data = {} } = maps.find(({ metadata }) => metadata.name === `${name}-dashboard`)!;
  return JSON.parse(Object.values(data).join("")) as Dashboard;
}

test("there is a runbook for each alert, and for nothing else", () => {
  const alerts = allRules().map(({ alert }) => `${alert}.md`);
  expect(new Set(alerts).size).toBe(alerts.length);
  expect(pages.sort()).toEqual(alerts.sort());
  const index = [...readPage("README.md").matchAll(/^\| \[\w+\]\((\w+\.md)\)/gm)];
  expect(index.map(([, file = ""]) => file).sort()).toEqual(alerts);
});

test("each alert of a bridge leads to its page", () => {
  for (const { alert, annotations } of bridgeGroups().flatMap(({ rules }) => rules))
    expect(annotations.runbook_url).toBe(`${defaultRunbooks}/${alert}.md`);
});

test.each(pages)("the runbook %s says all that somebody woken up asks", (file) => {
  const page = readPage(file);
  expect(page.match(/^#+ .*|^\*\*Affected\*\*: ./gm)?.map((line) => line.slice(0, 12))).toEqual(
    [
      `# ${file.replace(".md", "")}`,
      "**Affected**: ",
      "## See it",
      "## Causes, and what to do",
      "## Over when",
    ].map((line) => line.slice(0, 12)),
  );
  expect(page).toMatch(/```sh\n|```promql\n/);
  for (const [, line = ""] of page.matchAll(/\| grep '(\w[^']*)'/g))
    expect(programs).toContain(line);
  expectKnownMetrics(page);
});

describe.each(allRules().map((rule) => [rule.alert, rule] as const))("%s", (_, rule) => {
  const { expr, labels, annotations } = rule;

  test("is on metrics that the programs have", () => expectKnownMetrics(expr));

  test("names what it is about", () => {
    expect(labels.severity).toMatch(/^(critical|warning)$/);
    expect(rule.for).toMatch(/^\d+[smh]$/);
    const texts = annotations.summary + annotations.description;
    for (const [, label = ""] of texts.matchAll(/\$labels\.(\w+)/g)) {
      expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b|absent\\(.*${label}="`));
    }
  });
});

describe.each(goldenNames)("the dashboard of %s", (golden) => {
  const { panels } = dashboardOf(goldenSpecs[golden]);
  const drawn = panels.flatMap((panel) => (panel.type === "row" ? [] : [panel]));

  test("asks for metrics that the programs have", () => {
    expect(drawn.length).toBeGreaterThan(15);
    for (const { targets } of drawn) for (const { expr } of targets) expectKnownMetrics(expr);
  });

  test("has each panel in a place of its own", () => {
    const cells = panels.flatMap(({ gridPos }) => {
      const { x, y, w, h } = gridPos!;
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  test("has series for each of the topology's programs alone", () => {
    const asked = JSON.stringify(drawn);
    const { topology = "InCluster" } = goldenSpecs[golden] as { topology?: string };
    const hasCollector = topology === "InCluster" || topology === "CollectorOnly";
    expect(asked.includes("qrng_collector_")).toBe(hasCollector);
    expect(asked.includes("qrng_gateway_")).toBe(topology !== "CollectorOnly");
    expect(asked.includes("qrng_source_")).toBe(topology !== "GatewayOnly");
    expect(asked.includes("qrng_gateway_pushes_total")).toBe(
      topology !== "Direct" && topology !== "CollectorOnly",
    );
  });
});

test("each bridge has a dashboard of its own, on its own series", () => {
  const read = (namespace: string, name: string) =>
    dashboardOf(goldenSpecs.smallest, name, namespace);
  const lab = read("physics", "lab");
  const variables = lab.templating.list?.map(({ name, query }) => [name, query]);
  expect(variables).toContainEqual(["namespace", "physics"]);
  expect(variables).toContainEqual(["bridge", "lab"]);
  expect(lab.uid).toMatch(/^[a-z0-9-]{1,40}$/); // Grafana takes no longer ones
  const others = [read("physics", "lab-2"), read("chemistry", "lab")];
  expect(new Set([lab, ...others].map(({ uid }) => uid)).size).toBe(3);
});
