import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

/** With the garbage collector of kube-controller-manager. */
let cluster: ControlPlane;
let scene: Scene;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  scene = await newScene(cluster, "deletion");
  await cluster.startControllerManager();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

/** The collector learns of a new kind within 30 s. */
const collected = 60_000;

async function applied(name: string): Promise<void> {
  await scene.reasonIs(name, "Reconciling", "RollingOut");
}

async function uidsOwning(name: string): Promise<Set<string | undefined>> {
  const owned = await scene.owned(name);
  return new Set([...owned.values()].map(({ metadata }) => metadata.ownerReferences?.[0]?.uid));
}

test("a deleted bridge leaves nothing behind", async () => {
  await using operator = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge("gone", smallest);
  await applied("gone");
  expect((await scene.owned("gone")).size).toBeGreaterThan(20);
  await scene.kubectl("delete", "qrngbridge", "gone");
  await eventually(async () => (await scene.owned("gone")).size === 0, collected);
  const deletes = (await operator.writes()).filter(({ verb }) => verb === "delete");
  expect(deletes).toEqual([]);
});

test.each(["background", "foreground"])(
  "one that is deleted (%s) and made again at once ends up whole",
  async (cascade) => {
    await using _ = await startTestOperator(cluster, [scene.namespace]);
    const name = `again-${cascade}`;
    await scene.applyBridge(name, smallest);
    await applied(name);
    const before = await scene.get("qrngbridge", name);
    const size = (await scene.owned(name)).size;
    await scene.kubectl("delete", "qrngbridge", name, `--cascade=${cascade}`);
    await scene.applyBridge(name, smallest);
    const after = await scene.get("qrngbridge", name);
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    await eventually(async () => {
      const owners = await uidsOwning(name);
      const isWhole = (await scene.owned(name)).size === size;
      return isWhole && owners.size === 1 && owners.has(after?.metadata.uid);
    }, collected);
    // And it stays so: the collector has nothing left to do.
    await scene.reasonIs(name, "Stalled", "NotStalled");
  },
);

test("objects from a backup, whose owner is no more, end up whole whoever is first", async () => {
  const name = "restored";
  let saved: string;
  {
    await using _ = await startTestOperator(cluster, [scene.namespace]);
    await scene.applyBridge(name, smallest);
    await applied(name);
    const selector = `qrngbridge.io/bridge=${name}`;
    saved = await scene.kubectl("get", "secret,configmap", "-l", selector, "-o", "json");
    await scene.kubectl("delete", "qrngbridge", name);
    await eventually(async () => (await scene.owned(name)).size === 0, collected);
  }
  await using _ = await startTestOperator(cluster, [scene.namespace]);
  await scene.applyBridge(name, smallest, { annotations: { "qrngbridge.io/paused": "" } });
  const { items } = JSON.parse(saved) as { items: { metadata: Record<string, unknown> }[] };
  for (const { metadata, ...item } of items) {
    const { uid: _, resourceVersion: __, managedFields: ___, ...kept } = metadata;
    await cluster.kubectl(["create", "--namespace", scene.namespace, "--filename=-"], {
      input: JSON.stringify({ ...item, metadata: kept }),
    });
  }
  await scene.kubectl("annotate", "qrngbridge", name, "qrngbridge.io/paused-");
  await applied(name);
  const bridge = await scene.get("qrngbridge", name);
  await eventually(async () => {
    const owners = await uidsOwning(name);
    const isWhole = (await scene.owned(name)).size > 20;
    return isWhole && owners.size === 1 && owners.has(bridge?.metadata.uid);
  }, collected);
});
