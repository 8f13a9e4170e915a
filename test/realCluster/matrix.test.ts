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

beforeAll(async () => {
  namespace = await createNamespace(cluster, "matrix", restricted);
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--timeout=180s"]);
  });
  operator = cleanup.use(await installOperator(cluster, [namespace]));
  bystanders = cleanup.use(await startBystanders(cluster, namespace, operator.namespace));
  const { apply, applyBridge } = inNamespace(cluster, namespace);
  const { certificate } = await makeAuthority();
  const v1 = { apiVersion: "v1" };
  await apply({
    ...v1,
    kind: "ConfigMap",
    metadata: { name: "their-ca" },
    data: { "ca.crt": certificate },
  });
  const marked = { name: "shared-key", labels: { "qrngbridge.io/bridge": "lab" } };
  await apply({ ...v1, kind: "Secret", metadata: marked, stringData: { key: "5a".repeat(32) } });
  await applyBridge("other", goldenSpecs.smallest);
});
afterAll(() => cleanup.disposeAsync());

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

const bridges: readonly {
  readonly name: GoldenName;
  readonly spec: Spec;
  readonly pods: number;
}[] = [
  { name: "smallest", spec: goldenSpecs.smallest, pods: 3 },
  { name: "full", spec: full, pods: 3 },
  { name: "direct", spec: goldenSpecs.direct, pods: 1 },
  { name: "collector-only", spec: goldenSpecs["collector-only"], pods: 1 },
  { name: "gateway-only", spec: goldenSpecs["gateway-only"], pods: 1 },
];

test.each(bridges)("of a bridge '$name' just what its table says", async ({ name, spec, pods }) => {
  const scene = inNamespace(cluster, namespace);
  await scene.applyBridge("lab", spec);
  const own = await runningPods("lab", "", pods);
  const parties = await partiesAround(own, name === "full");
  const policies = JSON.parse(
    await scene.kubectl("get", "networkpolicies", "--output=json"),
  ) as NetworkPolicyList;
  const namespaces = {
    [bystanders.pods["pod of a client namespace"]!.namespace]: { team: "physics" },
  };
  const judged = sorted(
    rowsBetween({ namespaces, policies: policies.items }, parties, Object.keys(own)),
  );
  expect(judged).toEqual(sorted(documentedRows(name)));

  await using probes = await startProbes(cluster, parties, Object.keys(own));
  // New pods and policies take a moment; then it has to hold.
  await eventually(async () => String(sorted(await probes.rows())) === String(judged), 60_000);
  expect(sorted(await probes.rows())).toEqual(judged);
  await scene.kubectl("delete", "qb", "lab", "--timeout=60s");
  const left = ["pods", "--selector=qrngbridge.io/bridge=lab"];
  await eventually(async () => {
    // How gently they end is shown elsewhere, and takes longer.
    await scene.kubectl("delete", ...left, "--grace-period=1", "--timeout=60s");
    return (await scene.kubectl("get", ...left, "--output=name")) === "";
  }, 120_000);
});

/** The pods of a bridge by their roles, once their programs listen; gateways as one and the other. */
async function runningPods(
  bridge: string,
  whose: string,
  count: number,
): Promise<Record<string, Pod>> {
  const found = await eventually(async () => {
    const selector = `qrngbridge.io/bridge=${bridge},qrngbridge.io/zone`;
    const pods = await podsOf(namespace, selector);
    return pods.length === count && pods;
  }, 120_000);
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

/** All who may be an end, by their names in docs/network.md. */
async function partiesAround(
  own: Record<string, Pod>,
  withServices: boolean,
): Promise<Record<string, Party>> {
  const around: Record<string, Pod> = {};
  for (const [role, { namespace: where, name }] of Object.entries(bystanders.pods)) {
    if ((role === "proxy" || role === "Redis") && !withServices) continue;
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
    ...own,
    ...others,
    ...around,
    operator: system,
    DNS: dns,
    ...outside,
    "API server": { address: nodeAddress },
  };
}
