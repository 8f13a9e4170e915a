import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { runProgram, startCheckNode } from "../helpers/checkNode.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "refused");
});

async function startBridge() {
  const stack = new AsyncDisposableStack();
  const node = stack.use(await startCheckNode(scene));
  const operator = stack.use(await startTestOperator(scene.cluster, [scene.namespace]));
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "OneWayVerified", "NotRun");
  await runProgram(scene, "lab", { zone: "gateway", node: "node-1" });
  return { node, operator, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const nothingLeft = async (): Promise<void> => {
  const selector = ["--selector", "qrngbridge.io/one-way-check", "--output", "name"];
  await eventually(async () => (await scene.kubectl("get", "pods", ...selector)) === "", 60_000);
};

/** Admission goes by a quota's status, which its controller would write. */
async function limitPods(hard: number, used: number): Promise<void> {
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "pods" } };
  await scene.apply({ ...quota, spec: { hard: { pods: `${hard}` } } });
  const status = { hard: { pods: `${hard}` }, used: { pods: `${used}` } };
  const patch = ["--type=merge", "--patch", JSON.stringify({ status })];
  await scene.kubectl("patch", "resourcequota", "pods", "--subresource=status", ...patch);
}

test("what a quota refuses is told, in its words, and no pod that came through stays", async () => {
  await limitPods(3, 0); // the program's, and two of the check's
  await using _ = await startBridge();
  const message = await scene.reasonIs("lab", "OneWayVerified", "Refused");
  expect(message).toContain("exceeded quota: pods");
  expect((await scene.conditionOf("lab", "OneWayVerified"))?.status).toBe("Unknown");
  await nothingLeft();
});

test("what admission refuses is told, in its words", async () => {
  const { namespace } = scene;
  const group = "admissionregistration.k8s.io";
  const name = `no-checks-${namespace}`;
  await scene.apply({
    apiVersion: `${group}/v1`,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
        ],
      },
      validations: [
        {
          expression: "!('qrngbridge.io/one-way-check' in object.metadata.labels)",
          message: "no pods of that kind here",
        },
      ],
    },
  });
  await scene.apply({
    apiVersion: `${group}/v1`,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
  const dryRun = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "try", labels: { "qrngbridge.io/one-way-check": "try" } },
    spec: { containers: [{ name: "a", image: "a" }] },
  };
  await scene.kubectl("create", "serviceaccount", "default"); // as its controller does
  // A policy takes a while to be in force.
  await eventually(async () => {
    const args = ["create", "--dry-run=server", "--filename", "-", "--namespace", namespace];
    const refusal = await scene.cluster
      .kubectl(args, { input: JSON.stringify(dryRun) })
      .catch((error: unknown) => String(error));
    return refusal.includes("no pods of that kind here");
  }, 60_000);
  await using _ = await startBridge();
  const message = await scene.reasonIs("lab", "OneWayVerified", "Refused");
  expect(message).toContain("no pods of that kind here");
  await nothingLeft();
});

test("pods of the check pass where PodSecurity restricted is enforced", async () => {
  const { namespace } = scene;
  await scene.cluster.kubectl([
    "label",
    "namespace",
    namespace,
    "pod-security.kubernetes.io/enforce=restricted",
    "pod-security.kubernetes.io/enforce-version=latest",
  ]);
  await using stack = new AsyncDisposableStack();
  stack.use(await startCheckNode(scene));
  stack.use(await startTestOperator(scene.cluster, [namespace]));
  await scene.applyBridge("lab", { ...smallest, oneWayCheck: { enforcement: "Require" } });
  await scene.reasonIs("lab", "OneWayVerified", "Verified");
  await nothingLeft();
});
