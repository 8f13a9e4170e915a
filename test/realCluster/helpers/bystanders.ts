import type { Cluster } from "../../cluster/node/cluster.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { restrictedContainer, restrictedPod, startPods } from "./pods.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

type Labels = Readonly<Record<string, string>>;

export interface Bystanders extends AsyncDisposable {
  /** By their names in docs/network.md. */
  readonly pods: Readonly<Record<string, PodName>>;
}

/** Pods of all kinds around a bridge: what else runs in a cluster, in and beside its namespace. */
export async function startBystanders(
  cluster: Cluster,
  namespace: string,
  operatorNamespace: string,
): Promise<Bystanders> {
  await using cleanup = new AsyncDisposableStack();
  const namespaces: string[] = [];
  cleanup.defer(async () => {
    await cluster.kubectl(["delete", "namespace", ...namespaces, "--wait=false"]);
  });
  const created = async (prefix: string, labels: Labels = {}): Promise<string> => {
    const name = await createNamespace(cluster, prefix, labels);
    namespaces.push(name);
    return name;
  };
  for (const name of ["monitoring", "openshift-dns"]) {
    await cluster.kubectl(["create", "namespace", name]);
    namespaces.push(name);
  }
  cleanup.defer(async () => {
    const pod = ["pod", "other-pod-in-kube-system", "--namespace=kube-system"];
    await cluster.kubectl(["delete", ...pod, "--wait=false"]);
  });
  const openShift = { "dns.operator.openshift.io/daemonset-dns": "default" };
  const places: Readonly<Record<string, [namespace: string, labels: Labels]>> = {
    "pod of the namespace": [namespace, { app: "client" }],
    "pod of a client namespace": [await created("team", { team: "physics" }), {}],
    "pod elsewhere": [await created("elsewhere"), { app: "proxy" }],
    "other pod beside the operator": [operatorNamespace, {}],
    Prometheus: ["monitoring", { "app.kubernetes.io/name": "prometheus" }],
    "OpenShift's DNS": ["openshift-dns", openShift],
    "other pod in kube-system": ["kube-system", {}],
    proxy: [namespace, { app: "proxy" }],
    Redis: [namespace, { app: "redis" }],
  };
  const pods = Object.entries(places).map(([role, [where, labels]]) => ({
    role,
    pod: waitingPod({ namespace: where, name: nameOf(role) }, labels),
  }));
  await startPods(
    cluster,
    pods.map(({ pod }) => pod),
  );
  const kept = cleanup.move();
  const named = Object.entries(places).map(([role, [where]]) => [
    role,
    { namespace: where, name: nameOf(role) },
  ]);
  return {
    pods: Object.fromEntries(named) as Record<string, PodName>,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const nameOf = (role: string): string => role.toLowerCase().replaceAll(/[^a-z]+/g, "-");

/** It waits and does nothing else: its network is all that is used. */
function waitingPod(metadata: PodName, labels: Labels): object {
  const container = {
    name: "pause",
    image: "localhost/pause:test",
    securityContext: restrictedContainer,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, labels },
    spec: { ...restrictedPod, terminationGracePeriodSeconds: 1, containers: [container] },
  };
}
