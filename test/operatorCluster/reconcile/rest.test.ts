import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { smallest } from "../helpers/bridge.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { newScene, settleBridge, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "rest");
});

/** By kind and name. */
async function versions(): Promise<Record<string, string>> {
  const owned = await scene.owned("lab");
  const bridge = await scene.get("qrngbridge", "lab");
  return {
    ...Object.fromEntries([...owned].map(([key, { metadata }]) => [key, metadata.resourceVersion])),
    status: JSON.stringify(bridge?.status),
  };
}

test("nothing is written while nothing happens, nor by an operator that starts anew", async () => {
  const kubeconfig = await operatorKubeConfig(scene.cluster, [scene.namespace]);
  const start = () => startTestOperator(scene.cluster, [scene.namespace], { kubeconfig });
  let before: Record<string, string>;
  let count: number;
  {
    await using operator = await start();
    await scene.applyBridge("lab", smallest);
    await settleBridge(scene, "lab");
    before = await versions();
    count = (await operator.writes()).length;
    for (let n = 0; n < 5; n++) {
      const annotate = ["annotate", "--overwrite", "qrngbridge", "lab", `example.com/n=${n}`];
      await operator.reconciledBy(() => scene.kubectl(...annotate));
    }
    expect(await operator.writes()).toHaveLength(count);
  }
  for (let n = 0; n < 2; n++) {
    await using operator = await start();
    await operator.reconciled(1);
    expect(await operator.writes()).toHaveLength(count);
  }
  expect(await versions()).toEqual(before);
});

test("what others add beside our fields is left alone", async () => {
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  const count = (await operator.writes()).length;
  await operator.reconciledBy(() =>
    scene.kubectl("label", "deployment", "lab-gateway", "team=physics"),
  );
  await operator.reconciledBy(() =>
    scene.kubectl("annotate", "service", "lab-gateway", "example.com/note=hello"),
  );
  expect(await operator.writes()).toHaveLength(count);
  const deployment = await scene.get("deployment", "lab-gateway");
  expect(deployment?.metadata.labels).toMatchObject({ team: "physics" });
});
