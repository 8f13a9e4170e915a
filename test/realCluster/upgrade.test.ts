import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parse } from "yaml";
import { type Cluster, startCluster } from "../cluster/node/cluster.ts";
import { tagImage } from "../cluster/node/containerd.ts";
import { images } from "../cluster/node/images.ts";
import { createNamespace } from "../cluster/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { chart, release } from "../operatorCluster/chart/helm.ts";
import { inNamespace } from "../operatorCluster/helpers/bridge.ts";
import { type Appliance, startAppliance } from "./helpers/appliance.ts";
import { startTraffic, type Traffic } from "./helpers/client.ts";
import { helmIn, releaseValues } from "./helpers/operator.ts";
import { restricted } from "./helpers/pods.ts";
import { bridgeIsReady, gatewaysAre } from "./helpers/settled.ts";
import { type EarlierRelease, earlierImages, makeEarlierRelease } from "./upgrade/earlier.ts";
import { PushAnswers } from "./upgrade/pushAnswers.ts";

/**
 * From an earlier release (upgrade/differences.ts) to today's and back, under traffic; each test
 * goes on from the one before. On a cluster of its own, since the definition is one for all of it.
 */
const cleanup = new AsyncDisposableStack();
const bridge = { name: "lab", namespace: "" };
const nextOperator = `${images.operator}-next`;
let cluster: Cluster;
let appliance: Appliance;
let home = "";
let helm: (...args: string[]) => Promise<string>;
let earlier: EarlierRelease;
let traffic: Traffic;
let secrets: Secrets;

const at = () => inNamespace(cluster, bridge.namespace);
const kubectl = (...args: string[]): Promise<string> => at().kubectl(...args);
const patchSpec = (spec: object): Promise<string> =>
  kubectl("patch", "qb", bridge.name, "--type=merge", "--patch", JSON.stringify({ spec }));
const storedSpec = async () =>
  JSON.parse(await kubectl("get", "qb", bridge.name, "--output=jsonpath={.spec}")) as {
    signing: { overlapSeconds: number };
    gateway: { overflow?: string };
  };

beforeAll(async () => {
  cluster = cleanup.use(await startCluster({ images: inject("images"), enforcement: true }));
  earlier = cleanup.use(await makeEarlierRelease(cluster));
  await tagImage(cluster.machine, images.operator, nextOperator);
  bridge.namespace = await createNamespace(cluster, "upgrade", restricted);
  home = await createNamespace(cluster, "qrng-system", restricted);
  helm = await helmIn(cluster, home);
  const values = releaseValues(earlierImages, [bridge.namespace]);
  await helm("install", release, earlier.chart, "--wait", "--timeout=180s", ...values);
  appliance = cleanup.use(await startAppliance(cluster, bridge.namespace, 443));
});
afterAll(() => cleanup.disposeAsync());

type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** All keys and certificates of the bridge; of its key ring just the keys, in whichever form. */
async function readSecrets(): Promise<Secrets> {
  const owned = await at().owned(bridge.name);
  const data = [...owned.values()].flatMap(({ kind, metadata: { name }, data = {} }) =>
    kind === "Secret" ? [[name, data] as const] : [],
  );
  const { signing, keys } = await readRing();
  const ids = Object.fromEntries(keys.map(({ id, key }) => [id, key]));
  return { ...Object.fromEntries(data), [`${bridge.name}-signing`]: { signing, ...ids } };
}

interface Ring {
  readonly signing: string;
  readonly keys: readonly { readonly id: string; readonly key: string; readonly use?: string }[];
}

async function readRing(): Promise<Ring> {
  const secret = await at().get("secret", `${bridge.name}-signing`);
  const text = Buffer.from(secret?.data?.["ring.json"] ?? "", "base64").toString();
  return JSON.parse(text) as Ring;
}

async function gatewayConfig(): Promise<{ push: object; overflow?: string }> {
  const configMap = await at().get("configmap", `${bridge.name}-gateway-config`);
  return parse(configMap?.data?.["gateway.yaml"] ?? "") as { push: object; overflow?: string };
}

/** Waits until all pods run these images, and the bridge is Ready. */
async function programsAre(wanted: Record<"collector" | "gateway", string>): Promise<void> {
  for (const program of ["gateway", "collector"] as const) {
    const image = "--output=jsonpath={.spec.template.spec.containers[0].image}";
    const get = ["get", "deployment", `${bridge.name}-${program}`, image, "--ignore-not-found"];
    await eventually(async () => (await kubectl(...get)) === wanted[program], 180_000);
  }
  await gatewaysAre(cluster, bridge, 2);
  await kubectl("rollout", "status", `deployment/${bridge.name}-collector`, "--timeout=180s");
  await bridgeIsReady(cluster, bridge);
}

/** Does something while bytes are drawn and pushed. No draw fails, and no gateway refuses a push. */
async function underTraffic(act: () => Promise<unknown>): Promise<void> {
  const answers = new PushAnswers(cluster, bridge);
  const done = new AbortController();
  const looking = (async () => {
    for (; !done.signal.aborted; await delay(500)) await answers.look();
  })();
  await Promise.all([looking, act().finally(() => done.abort())]);
  await eventually(() => answers.look().then(() => answers.takers >= 2), 180_000);
  const { drawn } = await traffic.counts();
  await eventually(async () => (await traffic.counts()).drawn > drawn, 180_000);
  const { failed, failures } = await traffic.counts();
  const refusals = [...answers.refusals];
  expect({ failed, failures, refusals }).toEqual({ failed: 0, failures: {}, refusals: [] });
}

/** Each pod of the programs, with how often it was started. */
async function pods(): Promise<string[]> {
  const programs = "app.kubernetes.io/component in (collector,gateway)";
  const selector = ["--selector", `qrngbridge.io/bridge=${bridge.name},${programs}`];
  const restarts = "{.metadata.uid} {.status.containerStatuses[0].restartCount}";
  const template = `{range .items[*]}${restarts}{"\\n"}{end}`;
  const text = await kubectl("get", "pods", ...selector, `--output=jsonpath=${template}`);
  return text.trim().split("\n").sort();
}

test("today's gateway takes the config and the key ring of an earlier operator", async () => {
  await at().applyBridge(bridge.name, {
    sources: [appliance.source],
    gateway: { image: images.gateway },
    signing: {}, // the definition fills it
  });
  await programsAre({ ...earlierImages, gateway: images.gateway });
  expect((await readRing()).keys.map((key) => Object.keys(key))).toEqual([["id", "key"]]);
  expect((await gatewayConfig()).push).not.toHaveProperty("state_file");
  traffic = await startTraffic(cluster, bridge);
  await underTraffic(async () => {
    await patchSpec({ gateway: { image: null } });
    await programsAre(earlierImages);
  });
  secrets = await readSecrets();
});

test("an upgrade keeps all keys, and what the earlier definition wrote", async () => {
  await expect(patchSpec({ gateway: { overflow: "DiscardOldest" } })).resolves.toMatch("no change");
  await underTraffic(async () => {
    const values = releaseValues(images, [bridge.namespace]);
    await helm("upgrade", release, chart, "--wait", "--timeout=180s", ...values);
    await programsAre(images);
  });
  expect(await readSecrets()).toEqual(secrets);
  expect((await readRing()).keys.map(({ use }) => use)).toEqual(["bound"]);
  expect((await gatewayConfig()).push).toHaveProperty("state_file");
  expect((await storedSpec()).signing.overlapSeconds).toBe(1800);
});

test("an earlier gateway refuses today's config by name, and those before it serve on", async () => {
  const overflow = "DiscardOldest";
  await underTraffic(async () => {
    await patchSpec({ gateway: { overflow, image: earlierImages.gateway } });
    const selector = "app.kubernetes.io/component=gateway";
    await eventually(async () => {
      // Until each container has started there are none to be had.
      const logs = await kubectl("logs", "--selector", selector, "--tail=-1").catch(() => "");
      return logs.includes("push.state_file: unknown key");
    }, 180_000);
    const ready = "--output=jsonpath={.status.readyReplicas}";
    expect(await kubectl("get", "deployment", `${bridge.name}-gateway`, ready)).toBe("2");
    await patchSpec({ gateway: { image: null } });
    await programsAre(images);
  });
  expect(await gatewayConfig()).toHaveProperty("overflow", overflow);
});

test("an upgrade of the operator alone writes nothing of a bridge and rolls no pod", async () => {
  const versions = async () =>
    [...(await at().owned(bridge.name))].map(([name, { metadata }]) => [
      name,
      metadata.resourceVersion,
    ]);
  const before = { pods: await pods(), versions: await versions() };
  const values = releaseValues({ ...images, operator: nextOperator }, [bridge.namespace]);
  const others = ["--set", "operator.logLevel=debug", "--set", "operator.podLabels.team=physics"];
  await helm("upgrade", release, chart, "--wait", "--timeout=180s", ...values, ...others);
  const image = "--output=jsonpath={.items[*].spec.containers[0].image}";
  const operators = ["get", "pods", "--namespace", home, image];
  await eventually(async () => (await cluster.kubectl(operators)) === nextOperator, 180_000);
  // It has built all of the bridge anew when it says so of a change that is nothing to its pods.
  await patchSpec({ oneWayCheck: { intervalSeconds: 43_200 } });
  await eventually(
    async () => (await at().conditionOf(bridge.name, "Ready"))?.status === "True",
    180_000,
  );
  expect({ pods: await pods(), versions: await versions() }).toEqual(before);
});

test("a rollback keeps all keys, drops what the earlier definition lacks, and fails no draw", async () => {
  await underTraffic(async () => {
    await helm("rollback", release, "1", "--wait", "--timeout=180s");
    await programsAre(earlierImages);
  });
  expect(await readSecrets()).toEqual(secrets);
  expect((await readRing()).keys.map((key) => Object.keys(key))).toEqual([["id", "key"]]);
  expect((await gatewayConfig()).push).not.toHaveProperty("state_file");
  expect((await storedSpec()).gateway).not.toHaveProperty("overflow");
});

test("an earlier operator leaves a bridge alone that has a field of today's definition", async () => {
  const before = await pods();
  const crd = new URL("../../crds/qrngbridge.yaml", import.meta.url).pathname;
  const force = ["apply", "--server-side", "--force-conflicts", "--filename", crd];
  await cluster.kubectl(force);
  await underTraffic(async () => {
    await eventually(async () => {
      await patchSpec({ gateway: { overflow: "DiscardOldest" } });
      return (await storedSpec()).gateway.overflow !== undefined;
    }, 180_000);
    // A watch from before goes on for minutes as the definition was then: it would not see the field.
    const operator = ["deployment", "--selector", `app.kubernetes.io/instance=${release}`];
    await cluster.kubectl(["rollout", "restart", ...operator, "--namespace", home]);
    const message = await at().reasonIs(bridge.name, "Stalled", "InvalidSpec");
    expect(message).toContain("overflow");
  });
  expect(await pods()).toEqual(before);
  await patchSpec({ gateway: { overflow: null } });
  await bridgeIsReady(cluster, bridge);
});
