import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedCluster } from "../cluster/node/shared.ts";
import { createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { inNamespace } from "../operatorCluster/helpers/bridge.ts";
import { startAppliance } from "./helpers/appliance.ts";
import { startTraffic, type Traffic } from "./helpers/client.ts";
import { metricOf } from "./helpers/metrics.ts";
import { installOperator } from "./helpers/operator.ts";
import { restricted } from "./helpers/pods.ts";
import { bridgeIsReady, gatewaysAre, giveKey, keyIsSwitched } from "./helpers/settled.ts";
import { PushAnswers } from "./upgrade/pushAnswers.ts";

/** Draws through the Service while gateways come and go. */
const cluster = await sharedCluster();
const cleanup = new AsyncDisposableStack();
let bridge = { name: "lab", namespace: "" };
let traffic: Traffic;
let pushes: PushAnswers;
const done = new AbortController();
let looking: Promise<void>;

beforeAll(async () => {
  const namespace = await createNamespace(cluster, "drain", restricted);
  bridge = { ...bridge, namespace };
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });
  cleanup.use(await installOperator(cluster, [namespace]));
  const appliance = cleanup.use(await startAppliance(cluster, namespace, 8444));
  await giveKey(cluster, bridge);
  await inNamespace(cluster, namespace).applyBridge(bridge.name, {
    sources: [appliance.source],
    signing: { secretRef: { name: "given-key", key: "key" }, propagationSeconds: 0 },
  });
  await bridgeIsReady(cluster, bridge);
  traffic = await startTraffic(cluster, bridge);
  pushes = new PushAnswers(cluster, bridge);
  looking = (async () => {
    for (; !done.signal.aborted; await delay(500)) await pushes.look();
  })();
  await giveKey(cluster, bridge); // from here on a rotation is under way
});
afterAll(async () => {
  done.abort();
  await looking;
  await cleanup.disposeAsync();
});

const kubectl = (...args: string[]): Promise<string> =>
  cluster.kubectl([...args, "--namespace", bridge.namespace]);

/** Their pods' names. */
async function gateways(): Promise<string[]> {
  const selector = `qrngbridge.io/bridge=${bridge.name},app.kubernetes.io/component=gateway`;
  const names = `--output=jsonpath={.items[*].metadata.name}`;
  return (await kubectl("get", "pods", "--selector", selector, names)).trim().split(" ");
}

/** Stops so many gateways, and waits until they are gone, two are there and no draw has failed. */
async function stopping(count: number, act: () => Promise<unknown>): Promise<void> {
  const before = await gateways();
  await act();
  await eventually(async () => {
    const now = new Set(await gateways());
    return before.filter((name) => !now.has(name)).length >= count;
  }, 180_000);
  await gatewaysAre(cluster, bridge, 2);
  const { drawn } = await traffic.counts();
  await eventually(async () => (await traffic.counts()).drawn > drawn, 180_000);
  const { failed, failures } = await traffic.counts();
  expect({ failed, failures }).toEqual({ failed: 0, failures: {} });
}

test("a rollout fails no draw", async () => {
  await stopping(2, () => kubectl("rollout", "restart", `deployment/${bridge.name}-gateway`));
});

test("scaling up and down fails no draw", async () => {
  await kubectl("scale", "qb", bridge.name, "--replicas=3");
  await gatewaysAre(cluster, bridge, 3);
  await stopping(1, () => kubectl("scale", "qb", bridge.name, "--replicas=2"));
});

/** As `kubectl drain` asks, which on one node could not put the pods elsewhere. */
test("evicting one gateway after the other fails no draw", async () => {
  for (const name of await gateways()) {
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace: bridge.namespace },
    };
    const path = `/api/v1/namespaces/${bridge.namespace}/pods/${name}/eviction`;
    await stopping(1, () =>
      cluster.kubectl(["create", "--raw", path, "--filename=-"], {
        input: JSON.stringify(eviction),
      }),
    );
  }
});

test("meanwhile the key was rotated, and no gateway refused a push but on its way out", async () => {
  await keyIsSwitched(cluster, bridge);
  await eventually(() => pushes.takers >= 4, 180_000);
  expect([...pushes.refusals]).toEqual([]);
  const lost = await metricOf(cluster, bridge, "collector", "qrng_collector_lost_bytes_total");
  expect(Object.values(lost).reduce((sum, each) => sum + each, 0)).toBe(0);
});
