import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { z } from "zod";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { makeFacts, objectsOf } from "./facts.ts";
import { ofKind } from "./references.ts";
import { goldenNames, goldenSpecs } from "./specs.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Grafana publishes the dashboard's schema as TypeScript types, so its validator is the compiler,
 * which takes JSON as a literal: what is missing, misspelled or too much is an error.
 * @returns what is wrong; empty when nothing is
 */
async function faultsOf(json: string): Promise<string> {
  await using folder = await makeFolder();
  const schema = `import type { Dashboard } from "${root}operator/build/dashboard/schema.ts";`;
  await writeFile(folder.at("dashboard.mts"), `${schema}\nexport const it: Dashboard = ${json};\n`);
  const compilerOptions = { types: [] };
  const config = { extends: `${root}tsconfig.json`, compilerOptions, include: ["dashboard.mts"] };
  await writeFile(folder.at("tsconfig.json"), JSON.stringify(config));
  const args = [`${root}node_modules/.bin/tsc`, "--project", folder.path];
  return await promisify(execFile)(process.execPath, args).then(
    () => "",
    (error: unknown) => z.object({ stdout: z.string() }).parse(error).stdout,
  );
}

function dashboardOf(name: (typeof goldenNames)[number]): string {
  const objects = objectsOf(makeFacts(goldenSpecs[name]));
  const maps = ofKind<ConfigMap & OwnedObject>(objects, "ConfigMap");
  const { data = {} } = maps.find(({ metadata }) => metadata.name === "lab-dashboard") ?? {};
  return Object.values(data).join("");
}

test.each(goldenNames)("the dashboard of %s is what Grafana's schema says", async (name) => {
  expect(await faultsOf(dashboardOf(name))).toBe("");
});

test.each([
  ['"options":{', '"options":{"colour":1,', `'"colour"' does not exist`],
  ['"type":"timeseries"', '"type":"graph"', '"graph"'],
  ['"refresh":"30s"', '"refresh":30', "'number' is not assignable"],
  ['"expr":', '"exprs":', "exprs"],
])("with %s as %s it would not be", async (right, wrong, fault) => {
  const json = JSON.stringify(JSON.parse(dashboardOf("smallest")));
  expect(json).toContain(right);
  expect(await faultsOf(json.replace(right, wrong))).toContain(fault);
});
