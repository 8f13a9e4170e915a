import { expect, test } from "vitest";
import { pause } from "../../../common/scheduler.ts";
import { bootClock } from "../../../operator/boot.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type StoredObject } from "../helpers/bridge.ts";
import { fastScheduler } from "../helpers/fastTime.ts";
import { runGatewayPod } from "../helpers/gateway.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, settleBridge } from "../helpers/scene.ts";
import { startWebhook } from "../helpers/webhook.ts";

interface Template {
  readonly spec: {
    readonly containers: readonly [
      { readonly image: string; readonly resources: { readonly limits: Record<string, string> } },
    ];
  };
}

function containerOf(deployment: StoredObject | undefined): Template["spec"]["containers"][0] {
  const template = deployment?.spec?.["template"] as Template | undefined;
  if (template === undefined) throw new Error("no Deployment");
  return template.spec.containers[0];
}

/** A webhook holds from a moment after it was made. */
async function settleMutated(scene: Scene): Promise<void> {
  await eventually(async () => {
    await scene.applyBridge("lab", smallest);
    const deployment = await eventually(() => scene.get("deployment", "lab-gateway"));
    if (containerOf(deployment).image.startsWith("mirror.example/")) return true;
    await scene.kubectl("delete", "deployment", "lab-gateway", "lab-collector");
    return false;
  });
  await settleBridge(scene, "lab");
}

/** Five minutes of the operator's time, of which all its timers are, go by in fifteen seconds. */
const fiveMinutes = 300_000;
const factor = 20;

test("what a mutating webhook makes of an object is accepted: one event, and no write in five minutes", async () => {
  const scene = await newScene(await sharedControlPlane(), "webhook");
  await using _ = await startWebhook(scene);
  const kubeconfig = await operatorKubeConfig(scene.cluster, [scene.namespace]);
  const start = () => startTestOperator(scene.cluster, [scene.namespace], { kubeconfig });
  const annotate = (n: number) =>
    scene.kubectl("annotate", "--overwrite", "qrngbridge", "lab", `example.com/n=${n}`);
  let count: number;
  {
    await using operator = await start();
    await settleMutated(scene);
    const deployment = await scene.get("deployment", "lab-gateway");
    expect(deployment?.metadata.labels).toMatchObject({ "example.com/cost-centre": "7" });
    expect(containerOf(deployment).resources.limits).toMatchObject({ cpu: "3" });
    count = (await operator.writes()).length;
    for (let n = 0; n < 5; n++) await operator.reconciledBy(() => annotate(n));
    // The webhook sees this one too, and changes nothing more.
    await operator.reconciledBy(() => scene.kubectl("label", "deployment", "lab-gateway", "a=b"));
    expect(await operator.writes()).toHaveLength(count);
    const altered = (await scene.events()).filter(({ reason }) => reason === "AnswerAltered");
    expect(altered).toHaveLength(1);
    expect(altered[0]?.note).toContain(
      "Deployment lab-gateway: the API server stores other values",
    );
  }
  await runGatewayPod(scene, "lab-gateway-a");
  {
    const scheduler = fastScheduler(factor);
    const clock = await bootClock();
    let asked = 0;
    await using operator = await startTestOperator(scene.cluster, [scene.namespace], {
      kubeconfig,
      scheduler,
      moment: () => ({ ...clock(), seconds: clock().seconds * factor }),
      options: { gatewayInterval: 30_000, discoveryInterval: 60_000 },
      gatewayAddress: () => {
        asked++;
        return { host: "127.0.0.1", port: 1 };
      },
    });
    await operator.reconciled(1);
    await pause(scheduler, fiveMinutes, new AbortController().signal);
    expect(asked).toBeGreaterThanOrEqual(5); // so its rounds did go on
    expect(await operator.writes()).toHaveLength(count);
    const altered = (await scene.events()).filter(({ reason }) => reason === "AnswerAltered");
    expect(altered).toHaveLength(1);
  }
  await using _operator = await start();

  // A change of ours goes through all the same, and what others change of it is put back.
  await scene.applyBridge("lab", { ...smallest, gateway: { replicas: 3 } });
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  await scene.kubectl("scale", "deployment", "lab-gateway", "--replicas=1");
  await eventually(async () => {
    const deployment = await scene.get("deployment", "lab-gateway");
    return (
      deployment?.spec?.["replicas"] === 3 && containerOf(deployment).image.startsWith("mirror")
    );
  });
});

test("what a mutating webhook takes away is not applied again and again", async () => {
  const scene = await newScene(await sharedControlPlane(), "webhook");
  const label = "app.kubernetes.io/component";
  await using _ = await startWebhook(scene, label);
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await settleMutated(scene);
  expect((await scene.get("deployment", "lab-gateway"))?.metadata.labels).not.toHaveProperty(label);
  const { length } = await operator.writes();
  for (let n = 0; n < 3; n++) {
    const note = `example.com/n=${n}`;
    await operator.reconciledBy(() =>
      scene.kubectl("annotate", "--overwrite", "qrngbridge", "lab", note),
    );
  }
  expect(await operator.writes()).toHaveLength(length);
  // What somebody takes away beside it is put back.
  await scene.kubectl("label", "deployment", "lab-gateway", "app.kubernetes.io/name-");
  await eventually(async () => {
    const labels = (await scene.get("deployment", "lab-gateway"))?.metadata.labels ?? {};
    return "app.kubernetes.io/name" in labels;
  }, 60_000);
});
