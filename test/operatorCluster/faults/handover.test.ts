import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { heldSecrets } from "../helpers/endState.ts";
import { operatorKubeConfig } from "../helpers/operator.ts";
import { startOperatorProcess } from "../helpers/operatorProcess.ts";
import { newScene } from "../helpers/scene.ts";

test("two operators: one works, and the other goes on when it is gone", async () => {
  const scene = await newScene(await sharedControlPlane(), "two");
  const flags = {
    kubeconfig: await operatorKubeConfig(scene.cluster, [scene.namespace]),
    "operator-namespace": scene.namespace,
    "management-address": "127.0.0.1:0",
  };
  await using one = startOperatorProcess(flags);
  await one.says("leads");
  await using two = startOperatorProcess(flags);
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect(two.output()).not.toContain('"message":"leads"');
  const before = await heldSecrets(scene, "lab");
  // It gives the lease back, so that nobody waits.
  expect(await one.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  await two.says("begins");
  await scene.kubectl("delete", "service", "lab-push");
  await eventually(() => scene.get("service", "lab-push"));
  expect(await heldSecrets(scene, "lab")).toEqual(before);
}, 120_000);
