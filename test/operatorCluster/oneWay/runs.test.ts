import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { runProgram, startCheckNode } from "../helpers/checkNode.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "runs");
});

async function startBridge(name: string, spec: Spec = smallest): Promise<void> {
  await scene.applyBridge(name, spec);
  await eventually(() => scene.get("serviceaccount", `${name}-gateway`), 120_000);
  await runProgram(scene, name, { zone: "gateway", node: "node-1" });
}

const leftovers = async (): Promise<string> => {
  const selector = ["--selector", "qrngbridge.io/one-way-check", "--output", "name"];
  return (await scene.kubectl("get", "pods", ...selector)).trim();
};

test("of twenty bridges that are due at once at most five are checked at a time", async () => {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await startCheckNode(scene));
  const names = Array.from({ length: 20 }, (_, n) => `lab-${n}`);
  {
    await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
    for (const name of names) await scene.applyBridge(name, { ...smallest, suspend: true });
    for (const name of names) {
      await eventually(() => scene.get("serviceaccount", `${name}-gateway`), 120_000);
      await runProgram(scene, name, { zone: "gateway", node: "node-1" });
    }
    expect(node.seen()).toEqual([]); // suspended
  }
  for (const name of names) await scene.applyBridge(name, smallest);
  stack.use(await startTestOperator(scene.cluster, [scene.namespace]));
  for (const name of names) await scene.reasonIs(name, "OneWayVerified", "Verified");
  await eventually(() => node.there().length === 0, 60_000);
  expect(node.mostBridges()).toBeGreaterThan(1);
  expect(node.mostBridges()).toBeLessThanOrEqual(5);
}, 300_000);

test("what an operator that was killed left behind goes, and the check begins anew", async () => {
  await using node = await startCheckNode(scene, {
    starts: ({ name }) => !name.startsWith("left"),
  });
  {
    await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
    await scene.applyBridge("lab", smallest);
    await eventually(() => scene.get("serviceaccount", "lab-gateway"), 120_000);
  }
  const { uid = "" } = (await scene.get("qrngbridge", "lab"))?.metadata ?? {};
  const owner = { apiVersion: "qrngbridge.io/v1alpha1", kind: "QrngBridge", name: "lab", uid };
  const pod = (name: string, ownerReferences: object[]) =>
    scene.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        labels: { "qrngbridge.io/bridge": "lab", "qrngbridge.io/one-way-check": "0badcafe" },
        ownerReferences,
      },
      spec: {
        serviceAccountName: "lab-gateway",
        automountServiceAccountToken: false,
        containers: [{ name: "probe", image: "none" }],
      },
    });
  await pod("left-behind", [{ ...owner, controller: true }]);
  await pod("left-of-somebody-else", []);
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  await runProgram(scene, "lab", { zone: "gateway", node: "node-1" });
  await scene.reasonIs("lab", "OneWayVerified", "Verified");
  await eventually(async () => (await leftovers()) === "pod/left-of-somebody-else", 60_000);
  expect(node.seen().length).toBeGreaterThan(7);
});

test("a check ends with the operator, with its bridge, and with the policies that it is of", async () => {
  let starts = false;
  await using node = await startCheckNode(scene, { starts: () => starts });
  const begun = () => eventually(() => node.there().length >= 3, 60_000);
  {
    await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
    await startBridge("lab");
    await begun();
  }
  await eventually(async () => (await leftovers()) === "", 60_000);

  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  await begun();
  const before = new Set(node.there());
  starts = true;
  await scene.applyBridge("lab", {
    ...smallest,
    monitoring: { scrapeFrom: [{ podSelector: {} }] },
  });
  await scene.reasonIs("lab", "OneWayVerified", "VerifiedExceptScrape");
  expect(node.there().filter((name) => before.has(name))).toEqual([]);

  starts = false;
  await startBridge("other");
  await begun();
  await scene.kubectl("delete", "qrngbridge", "other", "--wait=false");
  await eventually(async () => (await leftovers()) === "", 60_000);
});
