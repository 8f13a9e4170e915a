import { describe, expect, test } from "vitest";
import type { Container } from "kubernetes-types/core/v1.js";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { startControlPlane } from "../../cluster/controlPlane.ts";
import { createNamespace, installCrds } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { freePort } from "../../endToEnd/helpers/ports.ts";
import { type Child, startProgram } from "../../helpers/child.ts";
import { inNamespace, smallest } from "../helpers/bridge.ts";
import { chart, helm, objectsIn } from "./helm.ts";
import { deploymentOf, type RenderedDeployment } from "./rendered.ts";

/** The same, knowing QrngBridges. */
async function knowing(cluster: ControlPlaneAccess): Promise<ControlPlaneAccess> {
  await installCrds(cluster, ["crds/qrngbridge.yaml"]);
  return cluster;
}

async function makeNamespaces(cluster: ControlPlaneAccess): Promise<[string, string, string]> {
  const make = (prefix: string): Promise<string> => createNamespace(cluster, prefix);
  return Promise.all([make("release"), make("listed"), make("other")]);
}

/** Installs the chart and starts what its Deployment says, as its ServiceAccount. */
async function install(
  cluster: ControlPlaneAccess,
  namespace: string,
  ...values: string[]
): Promise<Child> {
  const at = ["--namespace", namespace];
  // The tests of this suite share one definition, which is nobody's.
  const set = [...values, "crds.install=false"].flatMap((value) => ["--set", value]);
  await helm(["install", "qrng-bridge", chart, ...at, ...set], cluster.adminKubeConfig);
  const get = ["get", "deployment", "qrng-bridge-operator", ...at, "--output", "yaml"];
  const deployment = deploymentOf(objectsIn(await cluster.kubectl(get)));
  return startAs(cluster, deployment, namespace);
}

async function startAs(
  cluster: ControlPlaneAccess,
  { spec }: RenderedDeployment,
  namespace: string,
): Promise<Child> {
  const { serviceAccountName = "", containers = [] } = spec?.template.spec ?? {};
  const [container] = containers;
  const token = await cluster.tokenFor(serviceAccountName, namespace);
  // In place of the pod's own mounts and network.
  const here = {
    kubeconfig: await cluster.kubeConfigFor({ token }),
    "management-address": `127.0.0.1:${await freePort()}`,
  };
  const args = Object.entries(here).map(([flag, value]) => `--${flag}=${value}`);
  return startProgram(
    new URL("../../../operator/main.ts", import.meta.url),
    [...(container?.args ?? []), ...args],
    variablesOf(container, { "metadata.namespace": namespace }),
  );
}

/** @param fields of its pod */
function variablesOf(
  container: Container | undefined,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  const pairs = (container?.env ?? []).map(({ name, value, valueFrom }) => {
    const found = value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ""];
    if (found === undefined) throw new Error(`${name} comes from elsewhere`);
    return [name, found];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

async function applyIn(cluster: ControlPlaneAccess, ...namespaces: string[]): Promise<void> {
  for (const namespace of namespaces)
    await inNamespace(cluster, namespace).applyBridge("lab", smallest);
}

const isApplied = (cluster: ControlPlaneAccess, namespace: string): Promise<string> =>
  inNamespace(cluster, namespace).reasonIs("lab", "Reconciling", "RollingOut");

/** Whether the operator's account may do something, by the API server's own word. */
async function may(
  cluster: ControlPlaneAccess,
  account: string,
  verb: string,
  resource: string,
  namespace: string,
) {
  const user = `--as=system:serviceaccount:${account}:qrng-bridge-operator`;
  const ask = ["auth", "can-i", verb, resource, "--namespace", namespace, user];
  return (await cluster.kubectl(ask).catch(() => "no")).trim() === "yes";
}

describe("the operator as the chart runs it", () => {
  test("looks after its own namespace, and may do nothing elsewhere", async () => {
    const cluster = await knowing(await sharedControlPlane());
    const [own, , other] = await makeNamespaces(cluster);
    await using _ = await install(cluster, own);
    await applyIn(cluster, other, own);
    await isApplied(cluster, own);
    expect(await may(cluster, own, "patch", "deployments.apps", own)).toBe(true);
    expect(await may(cluster, own, "list", "secrets", other)).toBe(false);
    expect(await inNamespace(cluster, other).owned("lab")).toEqual(new Map());
  });

  test("looks after the namespaces that are listed, and may do nothing elsewhere", async () => {
    const cluster = await knowing(await sharedControlPlane());
    const [own, listed, other] = await makeNamespaces(cluster);
    await using _ = await install(cluster, own, `bridges.namespaces={${listed},${other}}`);
    await applyIn(cluster, own, listed, other);
    await Promise.all([isApplied(cluster, listed), isApplied(cluster, other)]);
    expect(await may(cluster, own, "list", "secrets", listed)).toBe(true);
    expect(await may(cluster, own, "list", "secrets", own)).toBe(false);
    expect(await inNamespace(cluster, own).owned("lab")).toEqual(new Map());
  });

  test("looks after all namespaces where it is told to", async () => {
    // On its own: it would see to the other tests' bridges.
    await using started = await startControlPlane();
    const cluster = await knowing(started);
    const [own, listed, other] = await makeNamespaces(cluster);
    await using _ = await install(cluster, own, "bridges.allNamespaces=true");
    await applyIn(cluster, own, listed, other);
    await Promise.all([own, listed, other].map((namespace) => isApplied(cluster, namespace)));
    expect(await may(cluster, own, "get", "nodes", "default")).toBe(false);
    expect(await may(cluster, own, "create", "leases.coordination.k8s.io", other)).toBe(false);
  });
});
