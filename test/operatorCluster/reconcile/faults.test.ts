import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ownedKinds } from "../../../operator/reconcile/kinds.ts";
import { clientOf } from "../helpers/apiClient.ts";
import { smallest } from "../helpers/bridge.ts";
import { follow } from "../helpers/follow.ts";
import { operatorKubeConfig, startTestOperator, writesOf } from "../helpers/operator.ts";
import { startOperatorProcess } from "../helpers/operatorProcess.ts";
import { newScene, type Scene, secretData } from "../helpers/scene.ts";

/** Of its own, since it is killed. */
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function flagsFor(scene: Scene): Promise<Record<string, string>> {
  return {
    kubeconfig: await operatorKubeConfig(cluster, [scene.namespace]),
    "operator-namespace": scene.namespace,
    "management-address": "127.0.0.1:0",
  };
}

const keyNames = ["signing", "api-keys", "gateway-authority", "collector-authority"];

/** The contents of the Secrets with keys of all bridges, by name; of those that have some. */
async function keysOf(scene: Scene, bridges: readonly string[]): Promise<Map<string, string>> {
  const names = bridges.flatMap((bridge) => keyNames.map((name) => `${bridge}-${name}`));
  const contents = await Promise.all(
    names.map(async (name) => [name, JSON.stringify(await secretData(scene, name))] as const),
  );
  return new Map(contents.filter(([, text]) => text !== "{}"));
}

test("killed at any moment of a reconcile, the next operator ends up at the same, with the same keys", async () => {
  const scene = await newScene(cluster, "killed");
  const flags = { ...(await flagsFor(scene)), "leader-election": "false" };
  const bridges: string[] = [];
  const kept = new Map<string, string>();
  const sizes: number[] = [];
  using admin = await clientOf(cluster.adminKubeConfig);
  const { namespace } = scene;
  const followers = ownedKinds.map((kind) =>
    follow(admin.client, kind, { namespace, labelSelector: "qrngbridge.io/bridge" }),
  );
  const countOf = (bridge: string): number =>
    followers
      .flatMap(({ informer }) => [...informer.entries()])
      .filter(([, { metadata }]) => metadata.labels?.["qrngbridge.io/bridge"] === bridge).length;
  for (let round = 0; round < 12; round++) {
    const bridge = `lab${round}`;
    bridges.push(bridge);
    await scene.applyBridge(bridge, smallest);
    await using operator = startOperatorProcess(flags);
    // Each round ends at another write.
    await eventually(() => countOf(bridge) > 2 * round, 60_000);
    expect(await operator.kill("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    sizes.push((await scene.owned(bridge)).size);
    for (const [name, text] of await keysOf(scene, bridges)) {
      expect(kept.get(name) ?? text).toBe(text);
      kept.set(name, text);
    }
  }
  await Promise.all(followers.map(({ informer }) => informer.stop()));
  await using _ = startOperatorProcess(flags);
  for (const bridge of bridges) await scene.reasonIs(bridge, "Reconciling", "RollingOut");
  const whole = [...(await scene.owned("lab0")).keys()].map((key) => key.replace("lab0-", "-"));
  for (const bridge of bridges) {
    const owned = await scene.owned(bridge);
    expect([...owned.keys()].map((key) => key.replace(`${bridge}-`, "-"))).toEqual(whole);
  }
  const halfWay = sizes.filter((size) => size > 0 && size < whole.length);
  expect(halfWay.length).toBeGreaterThan(sizes.length / 2);
  const keys = await keysOf(scene, bridges);
  expect(keys.size).toBe(bridges.length * keyNames.length);
  for (const [name, text] of kept) expect(keys.get(name)).toBe(text);
}, 180_000);

test("two operators: one works, and the other goes on when it is gone", async () => {
  const scene = await newScene(cluster, "two");
  const flags = await flagsFor(scene);
  await using one = startOperatorProcess(flags);
  await one.says("leads");
  await using two = startOperatorProcess(flags);
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect(two.output()).not.toContain('"message":"leads"');
  const before = await keysOf(scene, ["lab"]);
  // It gives the lease back, so that nobody waits.
  expect(await one.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  await two.says("begins");
  await scene.kubectl("delete", "service", "lab-push");
  await eventually(() => scene.get("service", "lab-push"));
  expect(await keysOf(scene, ["lab"])).toEqual(before);
}, 120_000);

test("an API server that is killed and comes back changes nothing, and edits go on", async () => {
  const scene = await newScene(cluster, "restarted");
  await using operator = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  const keys = await keysOf(scene, ["lab"]);
  const count = (await operator.writes()).length;
  await cluster.killApiServer();
  await eventually(() => operator.log.text().includes("does not follow"));
  await cluster.restartApiServer();
  await scene.applyBridge("lab", { ...smallest, gateway: { replicas: 3 } });
  await eventually(
    async () => (await scene.get("deployment", "lab-gateway"))?.spec?.["replicas"] === 3,
    60_000,
  );
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect(await keysOf(scene, ["lab"])).toEqual(keys);
  const since = writesOf(await cluster.auditEvents(), scene.namespace).slice(count);
  expect(new Set(since.map(({ objectRef }) => objectRef?.resource))).toEqual(
    new Set(["deployments", "qrngbridges"]),
  );
}, 120_000);
