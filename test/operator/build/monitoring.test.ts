import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { ofKind } from "./references.ts";
import { goldenSpecs } from "./specs.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const programs = globSync("{collector,gateway,common,operator}/**/*.ts", { cwd: root })
  .map((file) => readFileSync(join(root, file), "utf8"))
  .join("\n");

function dashboardOf(namespace: string, name: string): string {
  const maps = ofKind<ConfigMap & OwnedObject>(
    objectsOf(makeFacts(goldenSpecs.smallest, { namespace, name })),
    "ConfigMap",
  );
  const { data = {} } = maps.find(({ metadata }) => metadata.name === `${name}-dashboard`)!;
  return Object.values(data).join("");
}

test("the dashboard and the alerts ask for metrics that the programs have", () => {
  const objects = objectsOf(makeFacts(goldenSpecs.smallest));
  const asked = JSON.stringify([
    ...ofKind(objects, "PrometheusRule"),
    dashboardOf("physics", "lab"),
  ]);
  const names = new Set(asked.match(/qrng_[a-z_]+[a-z]/g));
  expect(names.size).toBeGreaterThan(8);
  for (const name of names) expect(programs, name).toContain(`"${name.replace(/_bucket$/, "")}"`);
});

test("each bridge has a dashboard of its own, on its own series", () => {
  const read = (namespace: string, name: string) =>
    JSON.parse(dashboardOf(namespace, name)) as {
      uid: string;
      templating: { list: { name: string; query: string }[] };
    };
  const lab = read("physics", "lab");
  const variables = lab.templating.list.map(({ name, query }) => [name, query]);
  expect(variables).toContainEqual(["namespace", "physics"]);
  expect(variables).toContainEqual(["bridge", "lab"]);
  expect(lab.uid).toMatch(/^[a-z0-9-]{1,40}$/); // Grafana takes no longer ones
  const others = [read("physics", "lab-2"), read("chemistry", "lab")];
  expect(new Set([lab, ...others].map(({ uid }) => uid)).size).toBe(3);
});
