import type { PodList } from "kubernetes-types/core/v1.js";
import type { NetworkPolicyList } from "kubernetes-types/networking/v1.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeAddress } from "../cluster/node/machine.ts";
import { sharedCluster } from "../cluster/node/shared.ts";
import { createNamespace } from "../cluster/objects.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { type GoldenName, goldenSpecs } from "../operator/build/specs.ts";
import type { Party, Pod } from "../operator/network/evaluator.ts";
import { rowsBetween } from "../operator/network/scene.ts";
import { documentedRows, sorted } from "../operator/network/table.ts";
import { inNamespace, type Spec } from "../operatorCluster/helpers/bridge.ts";
import { type Bystanders, startBystanders } from "./helpers/bystanders.ts";
import { type InstalledOperator, installOperator } from "./helpers/operator.ts";
import { restricted } from "./helpers/pods.ts";
import { startProbes } from "./helpers/probes.ts";

/**
 * Who really connects to whom: each pod of a running bridge, of another bridge beside it and of
 * bystanders, and addresses outside, to each port on TCP and UDP. The processes that try and listen
 * stand in the pods' own networks.
 */
const cluster = await sharedCluster();
const cleanup = new AsyncDisposableStack();
let namespace = "";
let operator: InstalledOperator;
let bystanders: Bystanders;

const podsLabelled = (labels: Record<string, string>) => ({ podSelector: { matchLabels: labels } });
const namespaceLabelled = (labels: Record<string, string>) => ({
  namespaceSelector: { matchLabels: labels },
});

/** What decides of connections in `goldenSpecs.full`, without what this cluster has not. */
const full: Spec = {
  sources: goldenSpecs.smallest.sources,
  collector: {
    proxy: {
      url: "http://proxy.example:3128",
      egress: { to: [podsLabelled({ app: "proxy" })] },
    },
  },
  gateway: {
    clients: [
      namespaceLabelled({ team: "physics" }),
      { ipBlock: { cidr: "100.64.0.0/24", except: ["100.64.0.128/25"] } },
    ],
    redis: {
      url: "rediss://redis.example:6380",
      egress: { to: [podsLabelled({ app: "redis" })], ports: [6379] },
    },
  },
  monitoring: {
    scrapeFrom: [
      {
        ...namespaceLabelled({ "kubernetes.io/metadata.name": "monitoring" }),
        ...podsLabelled({ "app.kubernetes.io/name": "prometheus" }),
      },
    ],
  },
};

interface Bridge {
  /** Of its table, and its own. */
  readonly name: GoldenName;
  readonly spec: Spec;
  readonly pods: number;
}

/** The user's Secret for a bridge that shares its key with a gateway or a collector elsewhere. */
const keyOf = (name: GoldenName) => ({ secretRef: { name: `${name}-shared-key`, key: "key" } });

const bridges: readonly Bridge[] = [
  { name: "smallest", spec: goldenSpecs.smallest, pods: 3 },
  { name: "full", spec: full, pods: 3 },
  { name: "direct", spec: goldenSpecs.direct, pods: 1 },
  {
    name: "collector-only",
    spec: { ...goldenSpecs["collector-only"], signing: keyOf("collector-only") },
    pods: 1,
  },
  {
    name: "gateway-only",
    spec: { ...goldenSpecs["gateway-only"], signing: keyOf("gateway-only") },
    pods: 1,
  },
];

/** By the bridges' names: what the evaluator says of their policies, and what got through. */
const judged: Record<string, string[]> = {};
const opened: Record<string, string[]> = {};

beforeAll(async () => {
  namespace = await createNamespace(cluster, "matrix", restricted);
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });
  operator = cleanup.use(await installOperator(cluster, [namespace]));
  bystanders = cleanup.use(await startBystanders(cluster, namespace, operator.namespace));
  await startBridges();
  const around = await partiesAround();
  const scenes = await Promise.all(
    bridges.map(async ({ name, pods }) => {
      const own = await runningPods(name, "", pods);
      const { proxy, Redis, ...others } = around;
      const parties = { ...own, ...others, ...(name === "full" && { proxy, Redis }) };
      return { name, own: Object.keys(own), parties };
    }),
  );
  const policies = JSON.parse(
    await inNamespace(cluster, namespace).kubectl("get", "networkpolicies", "--output=json"),
  ) as NetworkPolicyList;
  const namespaces = {
    [bystanders.pods["pod of a client namespace"]!.namespace]: { team: "physics" },
  };
  const world = { namespaces, policies: policies.items };
  for (const { name, parties, own } of scenes)
    judged[name] = sorted(rowsBetween(world, parties, own));

  const probes = cleanup.use(await startProbes(cluster, scenes));
  const tryAll = async (): Promise<void> => {
    const rows = await probes.rows();
    scenes.forEach(({ name }, n) => (opened[name] = sorted(rows[n]!)));
  };
  // New pods and policies take a moment; then it has to hold. What differs for good, a test shows.
  await eventually(async () => {
    await tryAll();
    return JSON.stringify(opened) === JSON.stringify(judged);
  }, 180_000).catch(() => undefined);
  await tryAll();
});
afterAll(() => cleanup.disposeAsync());

/** All at once, and another beside them, so that whoever takes labels too lightly is found out. */
async function startBridges(): Promise<void> {
  const { apply, applyBridge } = inNamespace(cluster, namespace);
  const { certificate } = await makeAuthority();
  const v1 = { apiVersion: "v1" };
  await apply({
    ...v1,
    kind: "ConfigMap",
    metadata: { name: "their-ca" },
    data: { "ca.crt": certificate },
  });
  for (const name of ["collector-only", "gateway-only"] as const) {
    const labels = { "qrngbridge.io/bridge": name };
    const metadata = { name: keyOf(name).secretRef.name, labels };
    await apply({ ...v1, kind: "Secret", metadata, stringData: { key: "5a".repeat(32) } });
  }
  await applyBridge("other", goldenSpecs.smallest);
  for (const { name, spec } of bridges) await applyBridge(name, spec);
}

test.each(bridges)("of a bridge '$name' just what its table says", ({ name }) => {
  expect(judged[name]).toEqual(sorted(documentedRows(name)));
  expect(opened[name]).toEqual(judged[name]);
});

/** The pods of a bridge by their roles, once their programs listen; gateways as one and the other. */
async function runningPods(
  bridge: string,
  whose: string,
  count: number,
): Promise<Record<string, Pod>> {
  const found = await eventually(async () => {
    // Without those of its one-way check, which come and go.
    const selector = `qrngbridge.io/bridge=${bridge},qrngbridge.io/zone,!qrngbridge.io/one-way-check`;
    const pods = await podsOf(namespace, selector);
    return pods.length === count && pods;
  }, 180_000);
  const named: Record<string, Pod> = {};
  for (const pod of found) {
    const role = `${whose}${pod.labels["app.kubernetes.io/component"]}`;
    named[role in named ? `${whose}other ${role.slice(whose.length)}` : role] = pod;
  }
  return named;
}

/** Pods whose containers have started. */
async function podsOf(where: string, selector: string): Promise<Pod[]> {
  const get = ["get", "pods", "--namespace", where, "--selector", selector, "--output=json"];
  const { items } = JSON.parse(await cluster.kubectl(get)) as PodList;
  return items.flatMap(({ metadata, status }) => {
    if (status?.containerStatuses?.[0]?.started !== true || status.podIP === undefined) return [];
    const { name = "", labels = {} } = metadata ?? {};
    return [{ name, namespace: where, labels, addresses: [status.podIP] }];
  });
}

const outside = {
  "source's address": { address: "192.0.2.10" },
  "gateway's address elsewhere": { address: "198.51.100.7" },
  "collector's address elsewhere": { address: "203.0.113.4" },
  "client's address": { address: "100.64.0.20" },
  "excepted address": { address: "100.64.0.200" },
  "any other address": { address: "8.8.8.8" },
};

/** All who may be an end beside a bridge's own pods, by their names in docs/network.md. */
async function partiesAround(): Promise<Record<string, Party>> {
  const around: Record<string, Pod> = {};
  for (const [role, { namespace: where, name }] of Object.entries(bystanders.pods)) {
    const found = (await podsOf(where, "")).find((pod) => pod.name === name);
    if (found !== undefined) around[role] = found;
  }
  const [system = {} as never] = await podsOf(
    operator.namespace,
    "app.kubernetes.io/name=qrng-bridge-operator",
  );
  const [dns = {} as never] = await podsOf("kube-system", "k8s-app=kube-dns");
  const others = await runningPods("other", "another bridge's ", 3);
  return {
    ...others,
    ...around,
    operator: system,
    DNS: dns,
    ...outside,
    "API server": { address: nodeAddress },
  };
}
