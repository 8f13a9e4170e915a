import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { behind } from "../helpers/behind.ts";
import { smallest } from "../helpers/bridge.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { startProxy } from "../helpers/proxy.ts";
import { newScene, settleBridge } from "../helpers/scene.ts";

test("what fails again and again is told in the status and counted, and not written at each attempt", async () => {
  const cluster = await sharedControlPlane();
  const scene = await newScene(cluster, "retries");
  await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
  await using operator = await startTestOperator(behind(cluster, proxy), [scene.namespace]);
  let attempts = 0;
  proxy.set({
    before: ({ isWrite, path }) => {
      if (!isWrite || !path.endsWith("/services/lab-push")) return undefined;
      attempts++;
      return { status: 500, reason: "InternalError" };
    },
  });
  await scene.applyBridge("lab", smallest);
  const message = await scene.reasonIs("lab", "Reconciling", "Retrying");
  expect(message).toContain("services lab-push");
  expect(message).toContain("500");
  expect((await scene.conditionOf("lab", "Stalled"))?.status).toBe("False");
  expect((await scene.conditionOf("lab", "Ready"))?.status).not.toBe("True");
  const version = (await scene.get("qrngbridge", "lab"))?.metadata.resourceVersion;
  const before = attempts;
  await eventually(() => attempts >= before + 3, 60_000);
  expect((await scene.get("qrngbridge", "lab"))?.metadata.resourceVersion).toBe(version);
  const named = (label: string): string => `${label}="qrngbridge"`;
  expect(await operator.metric("workqueue_retries_total", named("name"))).toBeGreaterThan(3);
  expect(
    await operator.metric("controller_runtime_reconcile_errors_total", named("controller")),
  ).toBeGreaterThan(3);

  proxy.set();
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect((await scene.owned("lab")).has("Service lab-push")).toBe(true);
});

test("what was put back is told, also when something after it cannot be", async () => {
  const cluster = await sharedControlPlane();
  const scene = await newScene(cluster, "partly");
  await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
  await using _operator = await startTestOperator(behind(cluster, proxy), [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  proxy.set({
    before: ({ isWrite, path }) =>
      isWrite && path.endsWith("/deployments/lab-gateway")
        ? { status: 500, reason: "InternalError" }
        : undefined,
  });
  const patch = JSON.stringify({ spec: { gateway: { replicas: 3 } } });
  await scene.kubectl("patch", "qrngbridge", "lab", "--type=merge", "--patch", patch);
  await scene.reasonIs("lab", "Reconciling", "Retrying");
  await scene.kubectl(
    "label",
    "service",
    "lab-push",
    "app.kubernetes.io/name=other",
    "--overwrite",
  );
  await eventually(async () => {
    const events = await scene.events();
    return events.some(
      ({ reason, note }) => reason === "DriftCorrected" && note.includes("Service lab-push"),
    );
  }, 60_000);
  expect((await scene.conditionOf("lab", "Reconciling"))?.reason).toBe("Retrying");
});
