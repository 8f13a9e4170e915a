import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { startCheckNode } from "../helpers/checkNode.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "require");
});

const required: Spec = { ...smallest, oneWayCheck: { enforcement: "Require" } };
const prometheus = { podSelector: { matchLabels: { app: "prometheus" } } };

async function collectors(count: number): Promise<void> {
  await eventually(async () => {
    const deployment = await scene.get("deployment", "lab-collector");
    return deployment?.spec?.["replicas"] === count;
  }, 60_000);
}

test("the collector starts once the flow is verified, and stops when it is not", async () => {
  let enforces = false;
  await using stack = new AsyncDisposableStack();
  stack.use(await startCheckNode(scene, { enforces: () => enforces }));
  stack.use(await startTestOperator(scene.cluster, [scene.namespace]));
  await scene.applyBridge("lab", required);
  await scene.reasonIs("lab", "OneWayVerified", "PolicyNotEnforced");
  await collectors(0);
  expect((await scene.conditionOf("lab", "Ready"))?.status).toBe("False");

  enforces = true; // and policies that differ are checked at once
  await scene.applyBridge("lab", { ...required, monitoring: { scrapeFrom: [prometheus] } });
  await scene.reasonIs("lab", "OneWayVerified", "VerifiedExceptScrape");
  await collectors(1);

  enforces = false;
  await scene.applyBridge("lab", required);
  await scene.reasonIs("lab", "OneWayVerified", "PolicyNotEnforced");
  await collectors(0);
  const reasons = (await scene.events()).map(({ reason }) => reason);
  expect(reasons).toContain("VerifiedExceptScrape");
  expect(reasons).toContain("PolicyNotEnforced");
});

test("a verdict outlives the operator, and is none when it is older than two intervals", async () => {
  let starts = true;
  await using _ = await startCheckNode(scene, { starts: () => starts });
  {
    await using _operator = await startTestOperator(scene.cluster, [scene.namespace]);
    await scene.applyBridge("lab", required);
    await scene.reasonIs("lab", "OneWayVerified", "Verified");
    await collectors(1);
  }
  starts = false;
  const before = (await scene.get("qrngbridge", "lab"))?.status?.oneWayCheck;
  {
    await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
    await operator.reconciled(1);
    expect((await scene.get("qrngbridge", "lab"))?.status?.oneWayCheck).toEqual(before);
    expect((await scene.conditionOf("lab", "OneWayVerified"))?.status).toBe("True");
  }
  const interval = 86_400_000;
  const completionTime = new Date(Date.now() - 2 * interval - 60_000).toISOString();
  const status = {
    oneWayCheck: { ...before, completionTime: completionTime.replace(/\.\d+/, "") },
  };
  const patch = ["--type=merge", "--patch", JSON.stringify({ status })];
  await scene.kubectl("patch", "qrngbridge", "lab", "--subresource=status", ...patch);
  await using _operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.reasonIs("lab", "OneWayVerified", "Outdated");
  await collectors(0);
});
