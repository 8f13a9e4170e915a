import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { type NodeInit, portText, runProgram, startCheckNode } from "../helpers/checkNode.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "one-way");
});

/** A bridge with its programs on two nodes, and an operator that checks it. */
async function startBridge(init: NodeInit = {}) {
  const stack = new AsyncDisposableStack();
  const node = stack.use(await startCheckNode(scene, init));
  const operator = stack.use(await startTestOperator(scene.cluster, [scene.namespace]));
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "OneWayVerified", "NotRun");
  await runProgram(scene, "lab", { zone: "gateway", node: "node-1" });
  await runProgram(scene, "lab", { zone: "collector", node: "node-2" });
  return {
    node,
    operator,
    /** Waits until no pod of the check is left. */
    cleared: () => eventually(() => node.seen().length > 0 && node.there().length === 0, 60_000),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("where policies are enforced the flow is verified, on every node, and nothing is left", async () => {
  await using bridge = await startBridge();
  await scene.reasonIs("lab", "OneWayVerified", "Verified");
  const { oneWayCheck } = (await scene.get("qrngbridge", "lab"))?.status ?? {};
  expect(oneWayCheck).toMatchObject({ families: ["IPv4"] });
  await bridge.cleared();
  const roles = new Set(
    bridge.node.seen().map((name) => name.replace(/^lab-check-[0-9a-f]{8}-/, "")),
  );
  expect([...roles].sort()).toEqual([
    "prober-collector",
    "prober-gateway",
    "prober-outside",
    "reference-outside",
    "target-collector",
    "target-gateway",
    "target-outside",
  ]);
  expect(
    await bridge.operator.metric("qrng_operator_one_way_checks_total", 'outcome="Verified"'),
  ).toBeGreaterThan(0);
  expect(
    await bridge.operator.metric("qrng_operator_one_way_verdict_age_seconds", 'bridge="lab"'),
  ).toBeLessThan(600);
  expect((await scene.events()).map(({ reason }) => reason)).toContain("Verified");
});

test("where they are not, it says what got through", async () => {
  await using bridge = await startBridge({ enforces: false });
  const message = await scene.reasonIs("lab", "OneWayVerified", "PolicyNotEnforced");
  expect(message).toMatch(/^got through: (gateway|collector) → .* \(connected\) on node node-/);
  expect((await scene.conditionOf("lab", "OneWayVerified"))?.status).toBe("False");
  await bridge.cleared();
});

test("an allow-all policy that somebody adds is found within one interval", async () => {
  const intervalSeconds = 600;
  await using _ = await startCheckNode(scene);
  {
    await using _operator = await startTestOperator(scene.cluster, [scene.namespace]);
    await scene.applyBridge("lab", { ...smallest, oneWayCheck: { intervalSeconds } });
    await scene.reasonIs("lab", "OneWayVerified", "NotRun");
    await runProgram(scene, "lab", { zone: "gateway", node: "node-1" });
    await scene.reasonIs("lab", "OneWayVerified", "Verified");
  }
  await scene.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "allow-all" },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] },
  });
  await checkedBefore(intervalSeconds);
  await using _operator = await startTestOperator(scene.cluster, [scene.namespace]);
  const message = await scene.reasonIs("lab", "OneWayVerified", "PolicyNotEnforced");
  expect(message).toContain("→");
});

/** Puts the last check so long ago. */
async function checkedBefore(seconds: number): Promise<void> {
  const { oneWayCheck } = (await scene.get("qrngbridge", "lab"))?.status ?? {};
  const time = new Date(Date.now() - seconds * 1_000).toISOString().replace(/\.\d+/, "");
  const status = { oneWayCheck: { ...oneWayCheck, completionTime: time } };
  const patch = ["--type=merge", "--patch", JSON.stringify({ status })];
  await scene.kubectl("patch", "qrngbridge", "lab", "--subresource=status", ...patch);
}

const isCollectorPort = (text: string): boolean => text === "tcp/9465";

test.each<[string, NodeInit, RegExp]>([
  [
    "an absent target",
    {
      outcome: ({ role }, endpoint) =>
        role === "reference-outside" && isCollectorPort(portText(endpoint)) ? "silent" : undefined,
    },
    /→ collector 9465 TCP: silent for a pod without policies as well/,
  ],
  [
    "an unroutable address",
    {
      outcome: ({ role }, endpoint) =>
        role === "prober-gateway" && isCollectorPort(portText(endpoint))
          ? "failed EHOSTUNREACH"
          : undefined,
    },
    /gateway → collector 9465 TCP: failed EHOSTUNREACH/,
  ],
  [
    "a positive control that fails",
    {
      outcome: ({ role }, endpoint) =>
        role === "prober-collector" && portText(endpoint) === "tcp/7765" ? "silent" : undefined,
    },
    /no allowed direction got through/,
  ],
  [
    "a pod that lies without form",
    {
      message: ({ role }, report) =>
        role === "prober-gateway"
          ? JSON.stringify({ ...report, verified: true })
          : JSON.stringify(report),
    },
    /gateway → .*: no report/,
  ],
  [
    "a pod with a message as large as they get",
    {
      message: ({ role }, report) =>
        role === "prober-gateway" ? "\u0000<script>".repeat(1_500) : JSON.stringify(report),
    },
    /gateway → .*: no report/,
  ],
])("%s proves nothing, and nothing is left", async (_, init, expected) => {
  await using bridge = await startBridge(init);
  const message = await scene.reasonIs("lab", "OneWayVerified", "NotProven");
  expect(message).toMatch(expected);
  expect(message).not.toContain("script");
  await bridge.cleared();
  expect((await scene.get("qrngbridge", "lab"))?.status?.oneWayCheck).toBeUndefined();
});
