import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { healthOf, healthScript } from "../helpers/lua.ts";

/** The folder is laid out as Argo CD keeps its own scripts and their tests. */
const folder = join(healthScript, "..");
const { tests } = z
  .object({
    tests: z.array(
      z.object({
        healthStatus: z.object({ status: z.string(), message: z.string() }),
        inputPath: z.string(),
      }),
    ),
  })
  .parse(parse(await readFile(join(folder, "health_test.yaml"), "utf8")));

test.each(tests)("$inputPath is $healthStatus.status", async ({ inputPath, healthStatus }) => {
  const bridge: unknown = parse(await readFile(join(folder, inputPath), "utf8"));
  expect(await healthOf(bridge as object)).toEqual(healthStatus);
});

test("every example is tested", async () => {
  const files = (await readdir(join(folder, "testdata"))).map((name) => `testdata/${name}`);
  expect(tests.map(({ inputPath }) => inputPath).sort()).toEqual(files.sort());
});

test("a status in the making does not make the script fail", async () => {
  const { metadata, spec } = { metadata: { generation: 1 }, spec: {} };
  for (const status of [{}, { conditions: [] }, { observedGeneration: 1, conditions: [] }]) {
    expect(await healthOf({ metadata, spec, status })).toMatchObject({ status: "Progressing" });
  }
});

test("Argo CD's ConfigMap holds the same script", async () => {
  const text = await readFile("examples/argocd/argocd-cm.yaml", "utf8");
  const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(parse(text));
  expect(data).toEqual({
    "resource.customizations.health.qrngbridge.io_QrngBridge": await readFile(healthScript, "utf8"),
  });
});
