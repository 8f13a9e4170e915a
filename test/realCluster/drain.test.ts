import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedCluster } from "../cluster/node/shared.ts";
import { createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { inNamespace } from "../operatorCluster/helpers/bridge.ts";
import { applianceAddress, applianceCa, startAppliance } from "./helpers/appliance.ts";
import { startTraffic, type Traffic } from "./helpers/client.ts";
import { metricOf } from "./helpers/metrics.ts";
import { installOperator } from "./helpers/operator.ts";
import { restricted } from "./helpers/pods.ts";
import { bridgeIsReady, gatewaysAre, giveKey, keyIsSwitched } from "./helpers/settled.ts";

/** Draws through the Service while gateways come and go. */
const cluster = await sharedCluster();
const cleanup = new AsyncDisposableStack();
let bridge = { name: "lab", namespace: "" };
let traffic: Traffic;
/** Addresses of the gateways that were told to stop. */
const stopped = new Set<string>();

beforeAll(async () => {
  const namespace = await createNamespace(cluster, "drain", restricted);
  bridge = { ...bridge, namespace };
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--timeout=120s"]);
  });
  cleanup.use(await installOperator(cluster, [namespace]));
  cleanup.use(await startAppliance(cluster, namespace));
  await giveKey(cluster, bridge);
  await inNamespace(cluster, namespace).applyBridge(bridge.name, {
    sources: [
      {
        name: "appliance",
        type: "Quantis",
        url: `https://${applianceAddress}`,
        caRef: applianceCa,
        simulated: true,
      },
    ],
    signing: { secretRef: { name: "given-key", key: "key" }, propagationSeconds: 0 },
  });
  await bridgeIsReady(cluster, bridge);
  traffic = await startTraffic(cluster, bridge);
  await giveKey(cluster, bridge); // from here on a rotation is under way
});
afterAll(() => cleanup.disposeAsync());

const kubectl = (...args: string[]): Promise<string> =>
  cluster.kubectl([...args, "--namespace", bridge.namespace]);

interface Gateway {
  readonly name: string;
  readonly address: string;
}

async function gateways(): Promise<Gateway[]> {
  const selector = `qrngbridge.io/bridge=${bridge.name},app.kubernetes.io/component=gateway`;
  const template = `{range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}`;
  const get = ["get", "pods", "--selector", selector, `--output=jsonpath=${template}`];
  const lines = (await kubectl(...get)).trim().split("\n");
  return lines.map((line) => {
    const [name = "", address = ""] = line.split(" ");
    return { name, address };
  });
}

/** Stops so many gateways, and waits until they are gone, two are there and no draw has failed. */
async function stopping(count: number, act: () => Promise<unknown>): Promise<void> {
  const before = await gateways();
  await act();
  const gone = await eventually(async () => {
    const now = new Set((await gateways()).map(({ name }) => name));
    const missing = before.filter(({ name }) => !now.has(name));
    return missing.length >= count && missing;
  }, 180_000);
  for (const { address } of gone) stopped.add(address);
  await gatewaysAre(cluster, bridge, 2);
  const { drawn } = await traffic.counts();
  await eventually(async () => (await traffic.counts()).drawn > drawn, 60_000);
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
  for (const { name } of await gateways()) {
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

test("meanwhile the key was rotated, and only gateways on their way out refused a push", async () => {
  await keyIsSwitched(cluster, bridge);
  const logs = await kubectl("logs", `deployment/${bridge.name}-collector`);
  const refusals = logs.split("\n").filter((line) => line.includes("gateway refuses packets"));
  const others = refusals.filter((line) => ![...stopped].some((one) => line.includes(`${one}:`)));
  expect(others).toEqual([]);
  const answers = await metricOf(cluster, bridge, "gateway", "qrng_gateway_pushes_total");
  const bad = Object.entries(answers).filter(
    ([labels, count]) => count > 0 && !/"(taken|seen|full)"/.test(labels),
  );
  expect(bad).toEqual([]);
  const lost = await metricOf(cluster, bridge, "collector", "qrng_collector_lost_bytes_total");
  expect(Object.values(lost).reduce((sum, each) => sum + each, 0)).toBe(0);
});
