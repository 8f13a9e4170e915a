import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Cluster, startCluster } from "../cluster/node/cluster.ts";
import { nodeName } from "../cluster/node/kubernetes.ts";
import { sharedCluster } from "../cluster/node/shared.ts";
import { createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { inNamespace, smallest } from "../operatorCluster/helpers/bridge.ts";
import { installOperator } from "./helpers/operator.ts";
import { restricted } from "./helpers/pods.ts";

/**
 * What the one-way check says of a network that enforces policies, of one where somebody has opened
 * everything, and of one that enforces nothing. The tests wait for checks of a minute side by side.
 */
const shared = await sharedCluster();
const cleanup = new AsyncDisposableStack();
type Scene = ReturnType<typeof inNamespace>;
let guarded: Scene;
let drained: Scene;
let limited: Scene;
let open: Scene;

beforeAll(async () => {
  const images = inject("images");
  const own = cleanup.use(await startCluster({ images, enforcement: false }));
  [open] = await startScenes(own, ["open"]);
  [guarded, drained, limited] = await startScenes(shared, ["guarded", "drained", "limited"]);
});
afterAll(() => cleanup.disposeAsync());

/** Namespaces, and an operator for their bridges. */
async function startScenes<const Names extends readonly string[]>(
  cluster: Cluster,
  prefixes: Names,
): Promise<{ [Index in keyof Names]: Scene }>;
async function startScenes(cluster: Cluster, prefixes: readonly string[]): Promise<Scene[]> {
  const namespaces = await Promise.all(
    prefixes.map((prefix) => createNamespace(cluster, prefix, restricted)),
  );
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", ...namespaces, "--wait=false"]);
  });
  cleanup.use(await installOperator(cluster, namespaces));
  return namespaces.map((namespace) => inNamespace(cluster, namespace));
}

const ofCheck = "qrngbridge.io/one-way-check";

async function podNames({ kubectl }: Scene, selector: string): Promise<string[]> {
  const get = ["get", "pods", "--selector", selector];
  const names = await kubectl(...get, "--output=jsonpath={.items[*].metadata.name}");
  return names.split(" ").filter((name) => name !== "");
}

const checkPodsAreGone = (scene: Scene): Promise<boolean> =>
  eventually(async () => (await podNames(scene, ofCheck)).length === 0, 180_000);

async function collectorsAre(scene: Scene, count: number): Promise<void> {
  const collectors = "qrngbridge.io/bridge=lab,app.kubernetes.io/component=collector";
  await eventually(async () => (await podNames(scene, collectors)).length === count, 180_000);
}

const opened = /^PolicyNotEnforced: got through: .*gateway → collector 9465 TCP \(connected\), /;

/** What a check says that is newer than what was said `before`. */
async function verdictOf(scene: Scene, before = "NotRun"): Promise<string> {
  return eventually(async () => {
    const { reason = before, message = "" } =
      (await scene.conditionOf("lab", "OneWayVerified")) ?? {};
    return reason !== before && `${reason}: ${message}`;
  }, 300_000);
}

test.concurrent(
  "the collector waits for the proof, and goes when a policy opens all",
  async () => {
    const spec = { ...smallest, oneWayCheck: { enforcement: "Require" } } as const;
    await guarded.applyBridge("lab", spec);
    await guarded.reasonIs("lab", "OneWayVerified", "NotRun");
    await collectorsAre(guarded, 0);
    expect((await guarded.get("deployment", "lab-collector"))?.spec?.["replicas"]).toBe(0);

    expect(await verdictOf(guarded)).toMatch(
      /^Verified: nothing gets through the wrong way; checked .+ on 1 node, IPv4$/,
    );
    await collectorsAre(guarded, 1);
    await checkPodsAreGone(guarded);

    await guarded.apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "allow-all" },
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] },
    });
    // Not in a day: policies that differ are checked at once.
    const clients = [{ podSelector: { matchLabels: { app: "client" } } }];
    await guarded.applyBridge("lab", { ...spec, gateway: { clients } });
    expect(await verdictOf(guarded, "Verified")).toMatch(opened);
    await collectorsAre(guarded, 0);
    await checkPodsAreGone(guarded);
  },
  600_000,
);

test.concurrent("the check's pods are nobody's, and do not hold up a node's drain", async () => {
  await drained.applyBridge("moved", smallest);
  const checked = await eventually(async () => {
    const names = await podNames(drained, `${ofCheck},qrngbridge.io/zone`);
    return names.length === 4 && names; // two targets and two that try
  }, 180_000);
  const selectors = await selectorsOf(drained);
  expect(selectors.length).toBeGreaterThan(6);
  for (const selector of selectors) {
    const selected = await podNames(drained, selector);
    expect(selected.filter((name) => checked.includes(name))).toEqual([]);
    expect(selected.filter((name) => name.startsWith("moved-"))).not.toEqual([]);
  }
  const drain = ["drain", nodeName, `--pod-selector=${ofCheck},qrngbridge.io/bridge=moved`];
  await shared.kubectl([...drain, "--timeout=180s"]);
  await shared.kubectl(["uncordon", nodeName]);
  await drained.reasonIs("moved", "OneWayVerified", "NotProven");
  await checkPodsAreGone(drained);
});

/** Of all that selects pods in a namespace, but for NetworkPolicies. */
async function selectorsOf({ kubectl }: Scene): Promise<string[]> {
  const template = (path: string): string =>
    `--output=go-template={{range .items}}{{range $label, $value := ${path}}}{{$label}}={{$value}},{{end}} {{end}}`;
  const kinds = "poddisruptionbudgets,deployments,replicasets";
  const selectors = [
    ...(await kubectl("get", "services", template(".spec.selector"))).trim().split(" "),
    ...(await kubectl("get", kinds, template(".spec.selector.matchLabels"))).trim().split(" "),
    await kubectl("get", "qb/moved", "--subresource=scale", "--output=jsonpath={.status.selector}"),
  ];
  return selectors.map((selector) => selector.replace(/,$/, ""));
}

test.concurrent("a check whose pods a quota refuses shows nothing, and says why", async () => {
  await limited.apply({
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "pods" },
    spec: { hard: { pods: "4" } }, // the bridge's three, and one of the check's
  });
  const created = ["--for=jsonpath={.status.hard.pods}=4", "resourcequota/pods"];
  await limited.kubectl("wait", ...created, "--timeout=60s");
  await limited.applyBridge("lab", smallest);
  expect(await verdictOf(limited)).toMatch(/^Refused: .*exceeded quota: pods/);
  expect((await limited.conditionOf("lab", "OneWayVerified"))?.status).toBe("Unknown");
  await checkPodsAreGone(limited);
});

test.concurrent("where nothing enforces policies, what gets through is named", async () => {
  await open.applyBridge("lab", smallest);
  expect(await verdictOf(open)).toMatch(opened);
  await checkPodsAreGone(open);
});
