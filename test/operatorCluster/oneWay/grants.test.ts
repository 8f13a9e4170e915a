import { describe, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { type NodeInit, runProgram, startCheckNode } from "../helpers/checkNode.ts";
import { fastScheduler } from "../helpers/fastTime.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  startTestOperator,
} from "../helpers/operator.ts";
import { newScene } from "../helpers/scene.ts";

// The rights that only the one-way check needs; all others are in ../reconcile/verbs.test.ts.

const rules = [...(await chartRules("bridge-rules")), ...(await chartRules("operator-rules"))];

/** What failed is tried again within ten minutes; here within half of one. */
const haste = 20;

/** A bridge whose check is to run, by an operator that may not do something with pods. */
async function startWithout(verb: string, init: NodeInit = {}) {
  const scene = await newScene(await sharedControlPlane(), "check-grants");
  const { cluster, namespace } = scene;
  const kubeconfig = await operatorKubeConfig(cluster, [namespace]);
  const less = rules.map((rule) =>
    rule.resources.includes("pods")
      ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) }
      : rule,
  );
  await grantRules(cluster, namespace, less);
  const stack = new AsyncDisposableStack();
  stack.use(await startCheckNode(scene, init));
  const scheduler = fastScheduler(haste);
  const operator = stack.use(
    await startTestOperator(cluster, [namespace], { kubeconfig, scheduler }),
  );
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "OneWayVerified", "NotRun");
  await runProgram(scene, "lab", { zone: "gateway", node: "node-1" });
  return {
    ...scene,
    operator,
    giveBack: () => grantRules(cluster, namespace, rules),
    lacks: `the operator may not ${verb} pods in namespace ${namespace}: add to its Role there {apiGroups: [""], resources: ["pods"], verbs: ["${verb}"]}, as the chart has it`,
    checkPods: async (): Promise<string> => {
      const selector = ["--selector", "qrngbridge.io/one-way-check", "--output", "name"];
      return (await scene.kubectl("get", "pods", ...selector)).trim();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe.concurrent("without a verb on pods that the one-way check needs", () => {
  test.each(["create", "patch"])(
    "(%s) it is told with what to add, the bridge works on, and is checked once it is given",
    async (verb) => {
      await using bridge = await startWithout(verb);
      expect(await bridge.reasonIs("lab", "OneWayVerified", "Refused")).toBe(bridge.lacks);
      expect((await bridge.conditionOf("lab", "OneWayVerified"))?.status).toBe("Unknown");
      expect((await bridge.conditionOf("lab", "Stalled"))?.status).toBe("False");
      await eventually(async () => (await bridge.checkPods()) === "", 60_000);
      await bridge.giveBack();
      await bridge.reasonIs("lab", "OneWayVerified", "Verified");
    },
    300_000,
  );

  test.each([
    { enforces: true, verdict: "Verified" },
    { enforces: false, verdict: "PolicyNotEnforced" },
  ])(
    "(delete) what the check showed is told ($verdict), pods that stay stall it, and go once it is given",
    async ({ enforces, verdict }) => {
      await using bridge = await startWithout("delete", { enforces });
      expect(await bridge.reasonIs("lab", "Stalled", "MissingGrant")).toBe(bridge.lacks);
      expect((await bridge.conditionOf("lab", "OneWayVerified"))?.reason).toBe(verdict);
      expect(await bridge.checkPods()).not.toBe("");
      const said = (await bridge.get("qrngbridge", "lab"))?.status;
      await bridge.operator.reconciledBy(() => Promise.resolve()); // it looks again by itself
      expect((await bridge.get("qrngbridge", "lab"))?.status).toEqual(said);
      expect((await bridge.get("deployment", "lab-collector"))?.spec?.["replicas"]).toBe(1);

      await bridge.giveBack();
      await bridge.reasonIs("lab", "Stalled", "NotStalled");
      await eventually(async () => (await bridge.checkPods()) === "", 60_000);
    },
    300_000,
  );
});
