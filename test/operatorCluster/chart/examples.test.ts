import { Application } from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1";
import { HelmRelease } from "@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io/v2";
import { Kustomization } from "@kubernetes-models/flux-cd/kustomize.toolkit.fluxcd.io/v1";
import { GitRepository } from "@kubernetes-models/flux-cd/source.toolkit.fluxcd.io/v1";
import { existsSync, globSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { makeFolder } from "../../helpers/folder.ts";
import { objectsIn, type RenderedObject, template } from "./helm.ts";

const models = { Application, HelmRelease, Kustomization, GitRepository };
const kinds = Object.keys(models) as (keyof typeof models)[];

const read = (pattern: string): RenderedObject[] =>
  globSync(pattern).flatMap((file) => objectsIn(readFileSync(file, "utf8")));
const found = read("examples/{argocd,flux}/{*,operator/*}.yaml");
const ofKind = (wanted: keyof typeof models): RenderedObject[] =>
  found.filter(({ kind }) => kind === wanted);

test.each(kinds)("every %s fits its definition", (kind) => {
  const objects = ofKind(kind);
  expect(objects).not.toEqual([]);
  for (const object of objects) new models[kind](object as never).validate();
});

test("a value that a definition does not allow is refused, so that the above shows something", () => {
  const [application] = ofKind("Application");
  const wrong = { ...application, spec: { destination: {}, project: 7 } };
  expect(() => new Application(wrong as never).validate()).toThrow("project");
});

/** Where Argo CD and Flux find the chart, and its values. */
const application = z.object({
  spec: z.object({
    source: z.object({ path: z.string(), helm: z.object({ valuesObject: z.looseObject({}) }) }),
  }),
});
const helmRelease = z.object({
  spec: z.object({
    chart: z.object({ spec: z.object({ chart: z.string() }) }),
    values: z.looseObject({}),
  }),
});

test("both find the chart, and give it values that it has", async () => {
  const argo = application.parse(
    ofKind("Application").find(({ metadata }) => metadata.name === "qrng-bridge"),
  ).spec.source;
  const flux = helmRelease.parse(ofKind("HelmRelease")[0]).spec;
  await using folder = await makeFolder();
  for (const { path, values } of [
    { path: argo.path, values: argo.helm.valuesObject },
    { path: flux.chart.spec.chart, values: flux.values },
  ]) {
    expect(existsSync(join(path, "Chart.yaml"))).toBe(true);
    const file = folder.at("values.yaml");
    await writeFile(file, stringify(values));
    expect(await template(["--values", file])).toContain("--registry=registry.example/mirror");
  }
});

const kustomization = z.object({
  spec: z.object({
    path: z.string(),
    targetNamespace: z.string().optional(),
    healthChecks: z.array(z.record(z.string(), z.string())).length(1),
  }),
});

test("Flux waits for objects that are where it looks for them", () => {
  for (const object of ofKind("Kustomization")) {
    const { path, targetNamespace, healthChecks } = kustomization.parse(object).spec;
    const there = read(join(path, "*.yaml")).map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      name: metadata.name,
      namespace: targetNamespace ?? metadata.namespace,
    }));
    expect(there, object.metadata.name).toContainEqual(healthChecks[0]);
  }
});
