import { beforeAll, expect, test } from "vitest";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { behind } from "../helpers/behind.ts";
import { smallest } from "../helpers/bridge.ts";
import { atWrite } from "../helpers/disturbances.ts";
import {
  type EndState,
  endState,
  heldSecrets,
  madeTwice,
  undisturbed,
} from "../helpers/endState.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { type OperatorProcess, startOperatorProcess } from "../helpers/operatorProcess.ts";
import { type Proxy, startProxy } from "../helpers/proxy.ts";
import { newScene } from "../helpers/scene.ts";

let cluster: ControlPlaneAccess;
let wanted: EndState;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  wanted = await undisturbed(cluster, smallest);
});

test("a leader that was stopped in the middle of its work ends, and the next one ends the work", async () => {
  const scene = await newScene(cluster, "stopped");
  const { namespace } = scene;
  await using first = await startProxy(new URL(cluster.url), cluster.ca);
  await using second = await startProxy(new URL(cluster.url), cluster.ca);
  const start = async (proxy: Proxy): Promise<OperatorProcess> =>
    startOperatorProcess({
      kubeconfig: await operatorKubeConfig(behind(cluster, proxy), [namespace]),
      "operator-namespace": namespace,
      "management-address": "127.0.0.1:0",
    });
  await using one = await start(first);
  await one.says("leads");
  await using two = await start(second);
  const isTenth = atWrite(10, () => one.kill("SIGSTOP"));
  first.set({ after: (request) => void isTenth(request) });
  await scene.applyBridge("lab", smallest);

  await two.says("leads");
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  const held = await heldSecrets(scene, "lab");
  expect(first.writes()).toHaveLength(10);
  expect(await one.kill("SIGCONT")).toEqual({ code: 1, signal: null });
  expect(one.output()).toContain('"message":"lease lost"');
  expect(first.writes()).toHaveLength(10);
  expect(await endState(scene, "lab")).toEqual(wanted);
  expect(await heldSecrets(scene, "lab")).toEqual(held);
  expect(await madeTwice(cluster, scene)).toEqual([]);

  // Killed, it gives nothing back; whoever comes next takes the lease when it has run out.
  await two.kill("SIGKILL");
  await using three = await start(first);
  await three.says("leads");
  await scene.kubectl("delete", "service", "lab-gateway");
  await eventually(async () => (await scene.owned("lab")).has("Service lab-gateway"));
  expect(await heldSecrets(scene, "lab")).toEqual(held);
}, 240_000);

test("two that both believe to lead make each key once", async () => {
  const scene = await newScene(cluster, "both");
  const { namespace } = scene;
  const kubeconfig = await operatorKubeConfig(cluster, [namespace]);
  await using one = await startTestOperator(cluster, [namespace], { kubeconfig });
  await using two = await startTestOperator(cluster, [namespace], { kubeconfig });
  const names = ["lab", "b", "c", "d"];
  await Promise.all(names.map((name) => scene.applyBridge(name, smallest)));
  for (const name of names) await scene.reasonIs(name, "Reconciling", "RollingOut");
  for (const operator of [one, two]) await operator.reconciled(names.length);
  const held = await Promise.all(names.map((name) => heldSecrets(scene, name)));
  expect(await endState(scene, "lab")).toEqual(wanted);
  expect(await madeTwice(cluster, scene)).toEqual([]);

  // Both are asked again, and agree.
  for (const operator of [one, two]) {
    await operator.reconciledBy(() =>
      scene.kubectl(
        "annotate",
        "--overwrite",
        "qrngbridge",
        "--all",
        `example.com/at=${Date.now()}`,
      ),
    );
  }
  expect(await Promise.all(names.map((name) => heldSecrets(scene, name)))).toEqual(held);
}, 120_000);
