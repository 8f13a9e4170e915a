import * as prometheus from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { PodTemplateSpec } from "kubernetes-types/core/v1.js";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { applyYaml } from "../../cluster/objects.ts";
import { defineKinds, monitorKinds } from "../helpers/crds.ts";
import { home, objectsIn, type RenderedObject, template } from "./helm.ts";
import { deploymentOf } from "./rendered.ts";
import { valueSets, valuesFile } from "./valueSets.ts";

/** The API server's judgement of what the chart gives, in a namespace that enforces `restricted`. */
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane();
  await defineKinds(cluster, monitorKinds);
  const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };
  const there = [home, "physics", "chemistry"].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: restricted },
  }));
  const priority = {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "important" },
    value: 7,
  };
  await applyYaml(cluster, yamlOf([...there, priority]));
  // Admission asks for the account of a pod.
  const accounts = ["qrng-bridge-operator", "given"].map((name) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace: home },
  }));
  await applyYaml(cluster, yamlOf(accounts), { namespace: home });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const yamlOf = (objects: readonly object[]): string =>
  objects.map((object) => stringify(object)).join("---\n");

/** @returns the names of what would be taken, strictly by field */
async function judge(input: string, ...verb: string[]): Promise<string[]> {
  const flags = ["--dry-run=server", "--validate=strict", "--output=name", "--filename=-"];
  const answer = await cluster.kubectl([...verb, ...flags], { input });
  return answer.trim().split("\n");
}

const podOf = ({ metadata, spec }: PodTemplateSpec): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { ...metadata, name: "operator", namespace: home },
  spec,
});

describe.each(valueSets)("with the values %s", (name) => {
  let objects: readonly RenderedObject[];
  beforeAll(async () => {
    objects = objectsIn(await template(["--values", valuesFile(name)]));
  });

  test("every object is accepted, field by field", async () => {
    const taken = await judge(yamlOf(objects), "apply", "--server-side");
    expect(taken).toHaveLength(objects.length);
  });

  test("the operator's pod is restricted", async () => {
    const { template: pod } = deploymentOf(objects).spec!;
    expect(await judge(yamlOf([podOf(pod)]), "create")).toEqual(["pod/operator"]);
  });

  test("monitors fit their own definitions", () => {
    const models = {
      ServiceMonitor: prometheus.ServiceMonitor,
      PrometheusRule: prometheus.PrometheusRule,
    };
    const kinds = Object.entries(models).flatMap(([kind, Model]) =>
      objects
        .filter((object) => object.kind === kind)
        .map((object) => (new Model(object as never).validate(), kind)),
    );
    expect(kinds).toEqual(name === "monitored" ? ["ServiceMonitor", "PrometheusRule"] : []);
  });
});

test("install.yaml is accepted as it is, by a plain apply too", async () => {
  const input = await readFile("deploy/install.yaml", "utf8");
  const names = objectsIn(input).map(({ metadata }) => metadata.name);
  expect(await judge(input, "apply", "--server-side", "--force-conflicts")).toHaveLength(
    names.length,
  );
  // Which keeps all of an object in an annotation of bounded size.
  expect(await judge(input, "apply")).toHaveLength(names.length);
});

test("a field that a kind lacks, and a pod that may be root, are refused, so that the above shows something", async () => {
  const deployment = deploymentOf(objectsIn(await template()));
  await expect(judge(yamlOf([{ ...deployment, spek: {} }]), "create")).rejects.toThrow(
    'unknown field "spek"',
  );
  const pod = structuredClone(deployment.spec!.template);
  delete pod.spec!.securityContext;
  await expect(judge(yamlOf([podOf(pod)]), "create")).rejects.toThrow(
    /violates PodSecurity "restricted.*runAsNonRoot/,
  );
});
