import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { defineKinds, monitorKinds } from "../helpers/crds.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  startTestOperator,
} from "../helpers/operator.ts";
import { newScene, settleBridge } from "../helpers/scene.ts";

/** Of its own, since kinds are the whole cluster's. */
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

test("monitors are made when their kinds come, put back, and forgotten when those go", async () => {
  const scene = await newScene(cluster, "monitors");
  await using operator = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  await scene.reasonIs("lab", "Monitored", "KindMissing");
  await defineKinds(cluster, monitorKinds);
  const monitor = await eventually(() => scene.get("servicemonitor", "lab-management"));
  await eventually(() => scene.get("prometheusrule", "lab-management"));
  await scene.reasonIs("lab", "Monitored", "NobodyMayScrape");
  const patch = JSON.stringify({ spec: { endpoints: [] } });
  await scene.kubectl(
    "patch",
    "servicemonitor",
    "lab-management",
    "--type=merge",
    "--patch",
    patch,
  );
  await eventually(async () => {
    const now = await scene.get("servicemonitor", "lab-management");
    return JSON.stringify(now?.spec) === JSON.stringify(monitor.spec);
  });
  await scene.applyBridge("lab", {
    ...smallest,
    monitoring: { prometheusRule: { enabled: false } },
  });
  await eventually(async () => (await scene.get("prometheusrule", "lab-management")) === undefined);

  const definitions = monitorKinds.map(({ group, plural }) => `${plural}.${group}`);
  await cluster.kubectl(["delete", "customresourcedefinition", ...definitions]);
  await eventually(() => operator.log.text().includes('"served":false'));
  await scene.applyBridge("lab", { ...smallest, gateway: { replicas: 1 } });
  await settleBridge(scene, "lab");
});

test("monitors that may not be made are told of, and the pods run all the same", async () => {
  await defineKinds(cluster, monitorKinds);
  const scene = await newScene(cluster, "unwatched");
  const kubeconfig = await operatorKubeConfig(cluster, [scene.namespace]);
  const rules = [...(await chartRules("bridge-rules")), ...(await chartRules("operator-rules"))];
  const without = rules.map((rule) =>
    rule.resources.includes("servicemonitors") ? { ...rule, verbs: ["list", "watch"] } : rule,
  );
  await grantRules(cluster, scene.namespace, without);
  await using _ = await startTestOperator(cluster, [scene.namespace], { kubeconfig });
  await scene.applyBridge("lab", smallest);
  const message = await scene.reasonIs("lab", "Stalled", "MissingGrant");
  expect(message).toContain("servicemonitors.monitoring.coreos.com");
  const made = await scene.owned("lab");
  for (const name of ["ConfigMap lab-dashboard", "Deployment lab-collector"]) {
    expect(made.has(name), name).toBe(true);
  }
});
