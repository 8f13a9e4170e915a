import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { BridgeInput } from "../../operator/bridge/schema.ts";
import { sharedCluster } from "../cluster/node/shared.ts";
import { applyYaml, createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Appliance, startAppliance } from "./helpers/appliance.ts";
import { clientPod, drawScript, startTraffic } from "./helpers/client.ts";
import { metricOf } from "./helpers/metrics.ts";
import { installOperator } from "./helpers/operator.ts";
import { nodePod, restricted, runInPod, startPods } from "./helpers/pods.ts";
import { bridgeIsReady, gatewaysAre, giveKey, keyIsSwitched } from "./helpers/settled.ts";

/** A bridge's life as its users see it; each test goes on from the one before. */
const cluster = await sharedCluster();
const cleanup = new AsyncDisposableStack();
let bridge = { name: "quickstart", namespace: "" };
let appliance: Appliance;

beforeAll(async () => {
  const namespace = await createNamespace(cluster, "physics", restricted);
  bridge = { ...bridge, namespace };
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });
  cleanup.use(await installOperator(cluster, [namespace]));
  appliance = cleanup.use(await startAppliance(cluster, namespace, 8443));
});
afterAll(() => cleanup.disposeAsync());

const kubectl = (...args: string[]): Promise<string> =>
  cluster.kubectl([...args, "--namespace", bridge.namespace]);
const draw = (bytes: number): Promise<string> =>
  runInPod(cluster, { ...bridge, name: "client" }, drawScript(bridge, bytes));

test("the quickstart, pointed at an appliance outside, gets ready", async () => {
  const file = new URL("../../examples/quickstart-cluster.yaml", import.meta.url);
  const quickstart = parse(await readFile(file, "utf8")) as BridgeInput;
  const [source] = quickstart.spec.sources ?? [];
  const pointed = { ...source, ...appliance.source };
  const spec = { ...quickstart.spec, sources: [pointed] };
  await applyYaml(cluster, stringify({ ...quickstart, spec }), bridge);
  await bridgeIsReady(cluster, bridge);
  expect(await kubectl("get", "qb", bridge.name)).toMatch(/InCluster +True +True/);
});

test("a pod of its namespace draws by the Service's name; one elsewhere gets no answer", async () => {
  const elsewhere = await createNamespace(cluster, "elsewhere", restricted);
  const stranger = { name: "stranger", namespace: elsewhere };
  await startPods(cluster, [clientPod(bridge, "client"), nodePod(stranger)]);
  expect(await draw(32)).toBe("200 32\n");
  const connect = `
    import net from "node:net";
    const host = "${bridge.name}-gateway.${bridge.namespace}.svc";
    const socket = net.connect({ host, port: 7764 });
    socket.setTimeout(3000, () => console.log("silent") ?? socket.destroy());
    socket.on("connect", () => console.log("open") ?? socket.destroy());
    socket.on("error", ({ code }) => console.log(code));
  `;
  expect(await runInPod(cluster, stranger, connect)).toBe("silent\n");
  // The same attempt, once its namespace is let in.
  const clients = [
    { podSelector: {} },
    { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": elsewhere } } },
  ];
  const patch = JSON.stringify({ spec: { gateway: { clients } } });
  await kubectl("patch", "qb", bridge.name, "--type=merge", "--patch", patch);
  await eventually(async () => (await runInPod(cluster, stranger, connect)) === "open\n", 180_000);
  await cluster.kubectl(["delete", "namespace", elsewhere, "--wait=false"]);
});

test("kubectl scale brings gateways and takes them, and each is given bytes", async () => {
  await kubectl("scale", "qb", bridge.name, "--replicas=3");
  await gatewaysAre(cluster, bridge, 3);
  await eventually(async () => {
    const metric = "qrng_gateway_buffer_bytes";
    const text = await kubectl("get", "qb", bridge.name, "--output=jsonpath={.status.replicas}");
    const held = await metricOf(cluster, bridge, "gateway", metric);
    return text === "3" && Object.values(held)[0]! > 0;
  }, 180_000);
  await kubectl("scale", "qb", bridge.name, "--replicas=2");
  await gatewaysAre(cluster, bridge, 2);
});

test("keys rotate under traffic without a failed draw or a refused push", async () => {
  const traffic = await startTraffic(cluster, bridge);
  const refused = (): Promise<number | undefined> =>
    metricOf(cluster, bridge, "collector", "qrng_collector_pushes_total").then(
      (series) => series['{outcome="refused"}'],
    );
  const before = await refused();
  await giveKey(cluster, bridge);
  const signing = { secretRef: { name: "given-key", key: "key" }, propagationSeconds: 0 };
  const patch = JSON.stringify({ spec: { signing } });
  await kubectl("patch", "qb", bridge.name, "--type=merge", "--patch", patch);
  await keyIsSwitched(cluster, bridge);
  const delivered = await deliveredBytes();
  await eventually(async () => (await deliveredBytes()) > delivered, 180_000);
  expect(await refused()).toBe(before);
  const { drawn, failed, failures } = await traffic.counts();
  expect({ failed, failures }).toEqual({ failed: 0, failures: {} });
  expect(drawn).toBeGreaterThan(100);
});

async function deliveredBytes(): Promise<number> {
  const metric = "qrng_collector_delivered_bytes_total";
  return (await metricOf(cluster, bridge, "collector", metric))[""] ?? 0;
}

test.each(["gateway", "collector"])("a killed %s comes back", async (component) => {
  const selector = `qrngbridge.io/bridge=${bridge.name},app.kubernetes.io/component=${component}`;
  const pods = ["get", "pods", "--selector", selector, "--output=name"];
  const [victim = ""] = (await kubectl(...pods)).split("\n");
  await kubectl("delete", victim, "--grace-period=0", "--force");
  await kubectl("rollout", "status", `deployment/${bridge.name}-${component}`, "--timeout=180s");
  expect((await kubectl(...pods)).split("\n")).not.toContain(victim);
  await bridgeIsReady(cluster, bridge);
  expect(await draw(1024)).toBe("200 1024\n");
});

test("a deleted bridge leaves nothing", async () => {
  await kubectl("delete", "qb", bridge.name, "--timeout=180s");
  const kinds = "all,secrets,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets";
  const left = ["get", kinds, "--selector", `qrngbridge.io/bridge=${bridge.name}`];
  await eventually(async () => {
    const names = (await kubectl(...left, "--output=name")).trim();
    return names === "secret/given-key"; // which is the user's
  }, 180_000);
});
