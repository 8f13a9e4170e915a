import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { behind } from "../helpers/behind.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { heldSecrets, madeTwice } from "../helpers/endState.ts";
import { storedRing } from "../helpers/gateway.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { startProxy } from "../helpers/proxy.ts";
import { newScene } from "../helpers/scene.ts";

// Two operators that both believe to lead, of which one is overtaken between what it decided and its
// first write of that.

async function newRivals() {
  const cluster = await sharedControlPlane();
  const scene = await newScene(cluster, "rivals");
  const proxy = await startProxy(new URL(cluster.url), cluster.ca);
  const kubeconfig = await operatorKubeConfig(cluster, [scene.namespace]);
  return {
    scene,
    startLate: () => startTestOperator(behind(cluster, proxy), [scene.namespace]),
    /** Lets another do all that there is to do when the late one is about to write a Secret. */
    overtake: (): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const act = async (): Promise<void> => {
        await using other = await startTestOperator(cluster, [scene.namespace], { kubeconfig });
        await other.reconciled(1);
      };
      proxy.set({
        before: async ({ isWrite, path }) => {
          if (!isWrite || !path.includes("/secrets/")) return undefined;
          proxy.set();
          await act().then(resolve, reject);
          return undefined;
        },
      });
      return promise;
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

test("keys that another has made meanwhile are not made again", async () => {
  await using rivals = await newRivals();
  const { scene } = rivals;
  await using late = await rivals.startLate();
  const overtaken = rivals.overtake();
  await scene.applyBridge("lab", smallest);
  await overtaken;
  const held = await heldSecrets(scene, "lab");
  expect(Object.keys(held).length).toBeGreaterThan(7);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  await late.reconciled(2);
  expect(await heldSecrets(scene, "lab")).toEqual(held);
  expect(await madeTwice(scene.cluster, scene)).toEqual([]);
});

test("what was decided on a key ring is not written over what another has made of it", async () => {
  await using rivals = await newRivals();
  const { scene } = rivals;
  const give = (key: string): Promise<unknown> =>
    scene.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "hmac", labels: { "qrngbridge.io/bridge": "lab" } },
      stringData: { key: key.repeat(32) },
    });
  await give("11");
  const spec: Spec = { ...smallest, signing: { secretRef: { name: "hmac", key: "key" } } };
  await using late = await rivals.startLate();
  await scene.applyBridge("lab", spec);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  await late.reconciled(1);
  const overtaken = rivals.overtake();
  await late.reconciledBy(() => give("22"));
  await overtaken;
  await scene.reasonIs("lab", "SigningKeyCurrent", "WaitingForGateways");
  const { ring } = await storedRing(scene);
  expect(ring.keys.map(({ key }) => key)).toEqual(["11".repeat(32), "22".repeat(32)]);
  // Each would have published the value under an id of its own, and said so.
  const published = (await scene.events()).filter(({ reason }) => reason === "KeyPublished");
  expect(published.map(({ note }) => note)).toEqual([
    expect.stringContaining(`key ${ring.keys[1]?.id}`),
  ]);
  expect(published[0]?.series).toBeUndefined();
});
