import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { bootClock } from "../../../operator/boot.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import {
  type CounterAppliance,
  startCounterAppliance,
} from "../../endToEnd/helpers/counterAppliance.ts";
import { exchange } from "../../endToEnd/helpers/exchange.ts";
import { freePort } from "../../endToEnd/helpers/ports.ts";
import {
  launch,
  type Metrics,
  type Program,
  totalOf,
  valueOf,
} from "../../endToEnd/helpers/program.ts";
import { eventually } from "../../helpers/eventually.ts";
import { type Folder, makeFolder } from "../../helpers/folder.ts";
import { runGatewayPod } from "../helpers/gateway.ts";
import { mountPod, type MountedPod } from "../helpers/kubelet.ts";
import { startTestOperator, type TestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge, type Scene } from "../helpers/scene.ts";

// A CollectorOnly bridge `inside` and a GatewayOnly bridge `outside` in two namespaces. No kubelet
// runs here, so the two programs are started on loopback from what the operator made, with three
// things in other words than in a pod: the folder that volumes are mounted in, the ports that the
// programs listen on (two tests may run at once), and the wildcard address of API and management.
// The push address is one of the spec's own, as that of a load balancer would be.

let inside: Scene;
let outside: Scene;
let appliance: CounterAppliance;
let folder: Folder;
let operator: TestOperator;
let gateway: Program | undefined;
/** Seconds that the operator's clock is ahead, since waits of minutes are due. */
let ahead = 0;

beforeAll(async () => {
  const cluster = await sharedControlPlane();
  inside = await newScene(cluster, "inside");
  outside = await newScene(cluster, "outside");
  appliance = await startCounterAppliance();
  folder = await makeFolder();
  const clock = await bootClock();
  operator = await startTestOperator(cluster, [inside.namespace, outside.namespace], {
    gatewayAddress: () => addressOf(gateway?.address("management") ?? "127.0.0.1:1"),
    moment: () => ({ ...clock(), seconds: clock().seconds + ahead }),
  });
});

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
  await appliance[Symbol.asyncDispose]();
});

function addressOf(text: string): { host: string; port: number } {
  const { hostname, port } = new URL(`http://${text}`);
  return { host: hostname, port: Number(port) };
}

const configMap = (name: string, pem: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { "ca.crt": pem },
});

async function giveKey(scene: Scene, bridge: string, key: string): Promise<void> {
  const labels = { "qrngbridge.io/bridge": bridge };
  await scene.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "key", labels },
    stringData: { hex: key },
  });
}

/** As the person does who sets both up. */
async function giveCa(from: Scene, name: string, to: Scene): Promise<void> {
  const found = await eventually(() => from.get("configmap", name), 60_000);
  await to.apply(configMap("their-ca", found.data?.["ca.crt"] ?? ""));
}

/** Does not wait for the next look at what is not watched. */
let looks = 0;
async function lookAgain(scene: Scene, bridge: string): Promise<void> {
  const note = `example.com/look=${++looks}`;
  await scene.kubectl("annotate", "--overwrite", "qrngbridge", bridge, note);
}

const signing = {
  secretRef: { name: "key", key: "hex" },
  propagationSeconds: 60,
  overlapSeconds: 180,
};
const theirCa = { kind: "ConfigMap", name: "their-ca", key: "ca.crt" } as const;

async function applyHalves(pushAddress: string): Promise<void> {
  await inside.apply(configMap("appliance-ca", appliance.ca));
  await inside.applyBridge("inside", {
    topology: "CollectorOnly",
    sources: [
      {
        name: "lab",
        type: "Quantis",
        url: appliance.url(1),
        caRef: { kind: "ConfigMap", name: "appliance-ca", key: "ca.crt" },
        simulated: true,
        chunkBytes: 1024,
        intervalMilliseconds: 20,
      },
    ],
    collector: { push: { urls: [`https://${pushAddress}/push`], caRef: theirCa } },
    signing,
  });
  await outside.applyBridge("outside", {
    topology: "GatewayOnly",
    gateway: {
      replicas: 1,
      overflow: "DiscardOldest", // so that pushes go on when nobody draws
      bufferBytes: 65_536,
      push: {
        audience: pushAddress,
        from: [{ ipBlock: { cidr: "203.0.113.5/32" } }],
        clientCARef: theirCa,
        clientName: `collector.inside.${inside.namespace}.qrngbridge.internal`,
      },
    },
    signing,
  });
}

/** The config that the operator wrote, with files and ports as they are here. */
async function configOf(pod: MountedPod, changed: (config: Config) => object): Promise<object> {
  const text = await readFile(pod.at(pod.configPath), "utf8");
  const here = text.replaceAll(/(?<=: )\/(etc|var)\//g, (start) => `${pod.at(start)}/`);
  const config = parse(here) as Config;
  return { ...config, ...changed(config) };
}

interface Config {
  readonly push: { readonly listen_address?: string };
}

/** How many pushes got any answer but that they were taken. */
function refusedBy(gateway: Metrics): number {
  return (
    totalOf(gateway, "qrng_gateway_pushes_total") -
    valueOf(gateway, 'qrng_gateway_pushes_total{answer="taken"}')
  );
}

interface State {
  readonly key_ids: readonly string[];
  readonly last_pushes: readonly { readonly key_id: string; readonly last_push: string | null }[];
}

async function stateOf(program: Program): Promise<State> {
  const answer = await fetch(`http://${program.address("management")}/state`);
  return (await answer.json()) as State;
}

interface Ring {
  readonly signing: string;
  readonly keys: readonly { readonly id: string; readonly key: string }[];
}

async function ringOf(scene: Scene, bridge: string): Promise<Ring> {
  return JSON.parse((await secretData(scene, `${bridge}-signing`))["ring.json"] ?? "") as Ring;
}

test("two halves that are given each other's CA and the key carry bytes, also through a new key", async () => {
  const pushPort = await freePort();
  const pushAddress = `127.0.0.1:${pushPort}`;
  const key = randomBytes(32).toString("hex");
  await giveKey(inside, "inside", key);
  await giveKey(outside, "outside", key);
  await applyHalves(pushAddress);
  // Each says what it lacks, and makes what the other lacks all the same.
  expect(await inside.reasonIs("inside", "Stalled", "ReferenceMissing")).toBe(
    `collector.push.caRef: there is no ConfigMap their-ca in ${inside.namespace}: create it; the other half gets ConfigMap inside-collector-trust for it`,
  );
  expect(await outside.reasonIs("outside", "Stalled", "ReferenceMissing")).toContain(
    "the other half gets ConfigMap outside-ca for it",
  );
  await giveCa(inside, "inside-collector-trust", outside);
  await giveCa(outside, "outside-ca", inside);
  await lookAgain(inside, "inside");
  await lookAgain(outside, "outside");
  await settleBridge(inside, "inside");
  await settleBridge(outside, "outside");

  const gatewayPod = await mountPod(outside, "outside-gateway", folder);
  const collectorPod = await mountPod(inside, "inside-collector", folder);
  const loopback = "127.0.0.1:0";
  const gatewayConfig = await configOf(gatewayPod, ({ push }) => ({
    listen_address: loopback,
    management_address: loopback,
    push: { ...push, listen_address: push.listen_address?.replace(":7765", `:${pushPort}`) },
  }));
  const collectorConfig = await configOf(collectorPod, () => ({ management_address: loopback }));
  await using started = await launch("gateway", gatewayConfig, { folder, env: gatewayPod.env });
  gateway = started;
  await using collector = await launch("collector", collectorConfig, { folder });
  await runGatewayPod(outside, "outside-gateway-a", "outside");

  const { "api-key": apiKey = "" } = await secretData(outside, "outside-api-keys");
  const ca = (await outside.get("configmap", "outside-ca"))?.data?.["ca.crt"] ?? "";
  /** What a client gets, which is none but the appliance's bytes. */
  const draw = async (): Promise<number[]> => {
    const { status, body } = await exchange({
      url: `https://${started.address("api")}/api/random?bytes=1024&encoding=binary`,
      headers: { authorization: `Bearer ${apiKey}` },
      ca,
    });
    return status === 200 ? appliance.cipher.numbersOf(body) : [];
  };
  const seen = new Set<number>();
  const drawAnew = async (): Promise<void> => {
    const blocks = await eventually(async () => {
      const drawn = await draw();
      return drawn.length > 0 && drawn;
    }, 60_000);
    for (const block of blocks) {
      expect(seen.has(block)).toBe(false);
      seen.add(block);
    }
  };
  await drawAnew();
  await outside.reasonIs("outside", "EntropyFlowing", "Flowing");
  await outside.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "qrngbridge/outside");
  await inside.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "qrngbridge/inside");

  // Who has no certificate of the collector's CA gets no answer at all.
  const push = { url: `https://${pushAddress}/push`, method: "POST", ca };
  expect(await exchange(push)).toMatchObject({ status: undefined });

  // A gateway that has just started refuses what was signed before it.
  const refused = refusedBy(await started.metrics());
  const next = randomBytes(32).toString("hex");
  await giveKey(inside, "inside", next);
  await giveKey(outside, "outside", next);
  const idOf = async (scene: Scene, bridge: string) =>
    (await ringOf(scene, bridge)).keys.find((each) => each.key === next)?.id;
  const gatewaysId = await eventually(() => idOf(outside, "outside"), 60_000);
  const collectorsId = await eventually(() => idOf(inside, "inside"), 60_000);
  await gatewayPod.sync();
  await eventually(async () => (await stateOf(started)).key_ids.includes(gatewaysId), 60_000);
  await collectorPod.sync(); // it has the new key, and signs with the one before
  expect((await ringOf(inside, "inside")).signing).not.toBe(collectorsId);
  await delay(2_500); // what a gateway takes with a new key is signed 2 s after it learnt that
  ahead += 61; // propagationSeconds are over
  await lookAgain(inside, "inside");
  await eventually(
    async () => (await ringOf(inside, "inside")).signing === collectorsId && true,
    60_000,
  );
  await collectorPod.sync();
  const pushedWith = async (id: string): Promise<boolean> =>
    (await stateOf(started)).last_pushes.some(
      ({ key_id, last_push }) => key_id === id && last_push !== null,
    );
  await eventually(() => pushedWith(gatewaysId), 60_000);
  await drawAnew();

  // The one before is over on both sides, and bytes still come.
  ahead += 181; // overlapSeconds
  for (const [scene, bridge, pod] of [
    [outside, "outside", gatewayPod],
    [inside, "inside", collectorPod],
  ] as const) {
    await lookAgain(scene, bridge);
    await eventually(async () => (await ringOf(scene, bridge)).keys.length === 1, 60_000);
    await pod.sync();
  }
  await eventually(async () => (await stateOf(started)).key_ids.length === 1, 60_000);
  const before = totalOf(await collector.metrics(), "qrng_collector_delivered_bytes_total");
  await eventually(
    async () =>
      totalOf(await collector.metrics(), "qrng_collector_delivered_bytes_total") > before + 8192,
    60_000,
  );
  await drawAnew();
  expect(refusedBy(await started.metrics())).toBe(refused);
}, 300_000);
