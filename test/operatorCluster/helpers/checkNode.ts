import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { endpointText, type Endpoint } from "../../../common/probe/endpoint.ts";
import { type Outcome, type Report, reportText } from "../../../common/probe/report.ts";
import { parseProbeArguments } from "../../../gateway/probe/arguments.ts";
import type { ApiClient } from "../../../operator/api/client.ts";
import type { ApiObject } from "../../../operator/api/object.ts";
import { pods } from "../../../operator/reconcile/kinds.ts";
import {
  isAllowed,
  type Party,
  type Pod,
  type Protocol,
} from "../../operator/network/evaluator.ts";
import { clientOf } from "./apiClient.ts";
import { follow } from "./follow.ts";
import type { Scene } from "./scene.ts";

/** A pod of the check as the stand-in sees it. */
export interface CheckedPod {
  readonly name: string;
  readonly object: ApiObject;
  /** Such as `prober-gateway`. */
  readonly role: string;
}

export interface NodeInit {
  /** Whether the network looks at the namespace's NetworkPolicies. */
  readonly enforces?: boolean | (() => boolean);
  /** What else becomes of an attempt than the network says. */
  readonly outcome?: (pod: CheckedPod, endpoint: Endpoint) => Outcome | undefined;
  /** Another termination message than the report; undefined for one that never ends. */
  readonly message?: (pod: CheckedPod, report: Report) => string | undefined;
  /** Whether a pod comes up at all. */
  readonly starts?: (pod: CheckedPod) => boolean;
  /** Called once a pod's attempts have been answered. */
  readonly answered?: (pod: CheckedPod) => Promise<void>;
}

export interface CheckNode extends AsyncDisposable {
  /** The names of all pods of the check so far. */
  seen(): string[];
  /** Those that are there now. */
  there(): string[];
  /** The most bridges that ever had such pods at the same time. */
  mostBridges(): number;
}

const hosts = { dns: "10.96.0.10", "api-server": "10.96.0.1" } as const;
const dns: Pod = {
  name: "coredns",
  namespace: "kube-system",
  labels: { "k8s-app": "kube-dns" },
  addresses: ["10.1.0.1"],
};
const zoneLabel = "qrngbridge.io/zone";
const bridgeLabel = "qrngbridge.io/bridge";

/**
 * Plays scheduler, kubelet and network for the check's pods of a namespace: pods come up with
 * addresses, and attempts come to what the evaluator of test/operator/network says of the
 * NetworkPolicies and labels that the API server has at that time.
 */
export async function startCheckNode(scene: Scene, init: NodeInit = {}): Promise<CheckNode> {
  const { cluster, namespace } = scene;
  const admin = await clientOf(cluster.adminKubeConfig, { fieldManager: "kubelet" });
  const selection = { namespace, labelSelector: "qrngbridge.io/one-way-check" };
  const { informer, changes, ...following } = follow(admin.client, pods, selection);
  const current = new Map<string, ApiObject>();
  const begun = new Set<string>();
  const working = new Set<Promise<void>>();
  let most = 0;
  informer.subscribe(({ type, object }) => {
    const { name, uid } = object.metadata;
    if (type === "deleted") return void current.delete(name);
    current.set(name, object);
    most = Math.max(most, bridgesOf(current.values()).size);
    const isEnding = object.metadata.deletionTimestamp !== undefined;
    if (!isEnding && begun.has(uid)) return;
    begun.add(uid);
    const stage = { scene, client: admin.client, init, current };
    const done = isEnding ? end(scene, name) : play(stage, object, begun.size);
    const work = done.catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
    working.add(work);
    void work.finally(() => working.delete(work));
  });
  await informer.synced;
  return {
    seen: () => [...new Set(changes.map(({ object }) => object.metadata.name))],
    there: () => [...current.keys()],
    mostBridges: () => most,
    async [Symbol.asyncDispose]() {
      await Promise.all(working);
      await following[Symbol.asyncDispose]();
      admin[Symbol.dispose]();
    },
  };
}

function bridgesOf(objects: Iterable<ApiObject>): Set<string | undefined> {
  return new Set([...objects].map(({ metadata }) => metadata.labels?.[bridgeLabel]));
}

/** The operator may delete a pod at any time. */
function isGone(error: unknown): boolean {
  return error instanceof Error && /404|409|not found/i.test(error.message);
}

interface Stage {
  readonly scene: Scene;
  readonly client: ApiClient;
  readonly init: NodeInit;
  readonly current: ReadonlyMap<string, ApiObject>;
}

async function play(stage: Stage, object: ApiObject, number: number): Promise<void> {
  const { scene, client, init } = stage;
  const { name } = object.metadata;
  const [, role = ""] = /-check-[0-9a-f]{8}-(.*)$/.exec(name) ?? [];
  const pod: CheckedPod = { name, object, role };
  if (init.starts?.(pod) === false) return;
  const at = { namespace: scene.namespace, name };
  const setStatus = (status: object) =>
    client.merge(pods, at, { status }, { subresource: "status" });
  const podIPs = [{ ip: `10.77.${number >> 8}.${number & 255}` }];
  const { args = [], affinity } = podSpec(object);
  if (affinity === undefined) await bind(scene, name);
  const { attempts } = parseProbeArguments(args);
  const running = { state: { running: { startedAt: "2026-01-02T03:04:05Z" } } };
  await setStatus({
    phase: "Running",
    podIP: podIPs[0]?.ip,
    podIPs,
    containerStatuses: [status(running)],
  });
  if (attempts.length === 0) return;
  const policies = await policiesOf(stage);
  const held = role.startsWith("reference") ? 1 : 42;
  const results = attempts.map((endpoint): Report["results"][number] => [
    init.outcome?.(pod, endpoint) ?? outcomeOf(stage, object, { endpoint, policies }),
    held,
  ]);
  const report: Report = { version: 1, hosts, results };
  const message = init.message === undefined ? reportText(report) : init.message(pod, report);
  if (message === undefined) return;
  const terminated = { state: { terminated: { exitCode: 0, message } } };
  await setStatus({ phase: "Succeeded", containerStatuses: [status(terminated)] });
  await init.answered?.(pod);
}

const status = (rest: object): object => ({
  name: "probe",
  image: "probe",
  imageID: "",
  ready: false,
  restartCount: 0,
  ...rest,
});

function podSpec(object: ApiObject) {
  const spec = object["spec"] as {
    containers: { args?: string[] }[];
    affinity?: object;
  };
  return { args: spec.containers[0]?.args, affinity: spec.affinity };
}

/** As kubelet does with a pod on its node, once the containers have ended. */
async function end(scene: Scene, name: string): Promise<void> {
  await scene.kubectl("delete", "pod", name, "--force", "--grace-period=0", "--wait=false");
}

/** As the scheduler does. */
async function bind({ cluster, namespace }: Scene, name: string): Promise<void> {
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name },
    target: { apiVersion: "v1", kind: "Node", name: "node-of-the-collector" },
  };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/binding`;
  await cluster.kubectl(["create", "--raw", path, "--filename", "-"], {
    input: JSON.stringify(binding),
  });
}

async function policiesOf({ scene, init }: Stage): Promise<NetworkPolicy[]> {
  const { enforces = true } = init;
  if (!(typeof enforces === "function" ? enforces() : enforces)) return [];
  const text = await scene.kubectl("get", "networkpolicies", "--output", "json");
  return (JSON.parse(text) as { items: NetworkPolicy[] }).items;
}

interface Tried {
  readonly endpoint: Endpoint;
  readonly policies: readonly NetworkPolicy[];
}

function outcomeOf(
  { scene: { namespace }, current }: Stage,
  from: ApiObject,
  { endpoint, policies }: Tried,
): Outcome {
  const all = [...current.values()].map((object) => partyOf(object, namespace));
  const self = partyOf(from, namespace);
  const to = targetOf(all, endpoint);
  if (to === undefined) return "failed EHOSTUNREACH";
  const protocol: Protocol = endpoint.protocol;
  const connection = { from: self, to, protocol, port: endpoint.port };
  return isAllowed({ namespaces: { [namespace]: {} }, policies }, connection)
    ? "connected"
    : "silent";
}

function targetOf(all: readonly Pod[], { host }: Endpoint): Party | undefined {
  if (host === "dns") return dns;
  if (host === "api-server") return { address: "172.16.0.1" };
  return all.find(({ addresses }) => addresses.includes(host));
}

function partyOf({ metadata, ...object }: ApiObject, namespace: string): Pod {
  const { podIPs = [] } = (object["status"] ?? {}) as { podIPs?: { ip: string }[] };
  return {
    name: metadata.name,
    namespace,
    labels: metadata.labels ?? {},
    addresses: podIPs.map(({ ip }) => ip),
  };
}

/** A pod of one of the bridge's programs, on a node. */
export async function runProgram(
  scene: Scene,
  bridge: string,
  { zone, node }: { readonly zone: string; readonly node: string },
): Promise<void> {
  await scene.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${bridge}-${zone}-${node}`,
      labels: { [bridgeLabel]: bridge, [zoneLabel]: zone },
    },
    spec: {
      nodeName: node,
      serviceAccountName: `${bridge}-gateway`,
      automountServiceAccountToken: false,
      containers: [{ name: zone, image: "none" }],
    },
  });
}

/** Such as `tcp/9465`, whoever's it is. */
export function portText({ protocol, port }: Endpoint): string {
  return endpointText({ protocol, host: "*", port }).replace("*/", "");
}
