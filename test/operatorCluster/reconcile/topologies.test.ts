import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { type EndState, endState } from "../helpers/endState.ts";
import { startTestOperator, type TestOperator } from "../helpers/operator.ts";
import { newScene, settleBridge, type Scene } from "../helpers/scene.ts";

let scene: Scene;
let operator: TestOperator;

beforeAll(async () => {
  scene = await prepare();
  operator = await startTestOperator(scene.cluster, [scene.namespace]);
});

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
});

/** A namespace with what the specs refer to. */
async function prepare(): Promise<Scene> {
  const scene = await newScene(await sharedControlPlane(), "topologies");
  const labels = { "qrngbridge.io/bridge": "lab" };
  await scene.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "hmac", labels },
    stringData: { key: randomBytes(32).toString("hex") },
  });
  await scene.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "other-side" },
    data: { "ca.crt": "PEM" },
  });
  return scene;
}

const signing = { secretRef: { name: "hmac", key: "key" } };
const ca = { kind: "ConfigMap", name: "other-side", key: "ca.crt" } as const;
const { sources } = smallest;

const specs = {
  InCluster: { sources },
  CollectorOnly: {
    topology: "CollectorOnly",
    sources,
    signing,
    collector: { push: { urls: ["https://198.51.100.7:7765/push"], caRef: ca } },
  },
  GatewayOnly: {
    topology: "GatewayOnly",
    signing,
    gateway: {
      replicas: 1,
      push: { clientCARef: ca, from: [{ ipBlock: { cidr: "198.51.100.0/24" } }] },
    },
  },
  Direct: { topology: "Direct", sources },
} satisfies Record<string, Spec>;

type Topology = keyof typeof specs;

/** What each has, beside the Secret and ConfigMap of its own zone. */
const secretsOf: Record<Topology, readonly string[]> = {
  InCluster: [
    "api-keys",
    "collector-authority",
    "collector-tls",
    "gateway-authority",
    "gateway-tls",
    "key-hashes",
    "signing",
  ],
  CollectorOnly: ["collector-authority", "collector-tls", "signing"],
  GatewayOnly: ["api-keys", "gateway-authority", "gateway-tls", "key-hashes", "signing"],
  Direct: ["api-keys", "gateway-authority", "gateway-tls", "key-hashes"],
};

async function secretNames(): Promise<string[]> {
  const keys = [...(await scene.owned("lab")).keys()];
  return keys
    .filter((key) => key.startsWith("Secret lab-"))
    .map((key) => key.slice("Secret lab-".length))
    .sort();
}

/** Each of the twelve ways from one to another, once. */
const path: readonly Topology[] = [
  "InCluster",
  "CollectorOnly",
  "InCluster",
  "GatewayOnly",
  "CollectorOnly",
  "GatewayOnly",
  "Direct",
  "CollectorOnly",
  "Direct",
  "GatewayOnly",
  "InCluster",
  "Direct",
  "InCluster",
];

/** What a bridge of that topology owns that never was another. */
async function freshState(topology: Topology): Promise<EndState> {
  const scene = await prepare();
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", specs[topology]);
  await settleBridge(scene, "lab");
  return ownedState(scene);
}

async function ownedState(scene: Scene): Promise<EndState> {
  const { conditions: _, ...owned } = await endState(scene, "lab"); // a ring may be on its way
  return owned;
}

test("every topology, and each switch between them, leaves what it needs and nothing else", async () => {
  const states = Object.keys(specs).map(async (topology) => {
    return [topology, await freshState(topology as Topology)] as const;
  });
  const fresh = new Map<string, EndState>(await Promise.all(states));
  for (const topology of path) {
    await replaceSpec(specs[topology]);
    await settleBridge(scene, "lab");
    const keys = [...(await scene.owned("lab")).keys()];
    const deployments = keys.filter((key) => key.startsWith("Deployment")).sort();
    expect(deployments).toEqual([
      ...(topology === "InCluster" || topology === "CollectorOnly"
        ? ["Deployment lab-collector"]
        : []),
      ...(topology === "CollectorOnly" ? [] : ["Deployment lab-gateway"]),
    ]);
    expect(await secretNames()).toEqual(secretsOf[topology]);
    expect(await ownedState(scene), topology).toEqual(fresh.get(topology));
  }
  const ways = path.slice(1).map((topology, index) => `${path[index]} to ${topology}`);
  expect(new Set(ways).size).toBe(12);
});

/** As a user's file would: what it no longer says is gone. */
async function replaceSpec(spec: Spec): Promise<void> {
  await scene.applyBridge("lab", spec);
}

test("suspend stops all pods, and they come back", async () => {
  await replaceSpec({ ...specs.InCluster, suspend: true });
  await scene.reasonIs("lab", "Ready", "Suspended");
  for (const name of ["lab-collector", "lab-gateway"]) {
    expect((await scene.get("deployment", name))?.spec?.["replicas"]).toBe(0);
  }
  await scene.rollOut("lab-collector");
  await scene.rollOut("lab-gateway");
  await replaceSpec(specs.InCluster);
  await settleBridge(scene, "lab");
  expect((await scene.get("deployment", "lab-gateway"))?.spec?.["replicas"]).toBe(2);
});

test("while the annotation is there nothing is changed", async () => {
  await scene.kubectl("annotate", "qrngbridge", "lab", "qrngbridge.io/paused=maintenance");
  await scene.reasonIs("lab", "Reconciling", "Paused");
  const count = (await operator.writes()).length;
  await operator.reconciledBy(() => scene.kubectl("delete", "service", "lab-push"));
  expect(await operator.writes()).toHaveLength(count);
  expect(await scene.get("service", "lab-push")).toBeUndefined();
  await scene.kubectl("annotate", "qrngbridge", "lab", "qrngbridge.io/paused-");
  await eventually(() => scene.get("service", "lab-push"));
});

test("kubectl scale sets the gateways", async () => {
  await scene.kubectl("scale", "qrngbridge", "lab", "--replicas=5");
  await eventually(
    async () => (await scene.get("deployment", "lab-gateway"))?.spec?.["replicas"] === 5,
  );
  await scene.kubectl(
    "patch",
    "qrngbridge",
    "lab",
    "--type=merge",
    "--patch",
    '{"spec":{"gateway":{"replicas":1}}}',
  );
  await eventually(async () => !(await scene.owned("lab")).has("PodDisruptionBudget lab-gateway"));
});
