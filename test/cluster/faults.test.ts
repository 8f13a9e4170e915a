import { afterAll, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { startControlPlane } from "./controlPlane.ts";
import { applyYaml, createNamespace } from "./objects.ts";

const cluster = await startControlPlane();
afterAll(() => cluster[Symbol.asyncDispose]());

test("a killed API server comes back on its port, with what it knew", async () => {
  await applyYaml(cluster, configMap("kept"));
  await cluster.killApiServer();
  const get = ["get", "configmap", "kept", "-o", "name"];
  await expect(cluster.kubectl(get)).rejects.toThrow("was refused");
  await cluster.restartApiServer();
  expect((await cluster.kubectl(get)).trim()).toBe("configmap/kept");
});

test("while etcd is paused nothing can be written", async () => {
  cluster.pauseEtcd();
  const create = ["create", "configmap", "paused", "--request-timeout=2s"];
  await expect(cluster.kubectl(create)).rejects.toThrow(/[Tt]imeout|deadline/);
  cluster.resumeEtcd();
  await eventually(() =>
    applyYaml(cluster, configMap("paused")).then(
      () => true,
      () => false,
    ),
  );
});

test("with the controller manager, what is owned goes with its owner, and namespaces go", async () => {
  await cluster.startControllerManager();
  const namespace = await createNamespace(cluster, "collected");
  await applyYaml(cluster, configMap("owner"), { namespace });
  const uid = ["get", "configmap", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}"];
  await applyYaml(cluster, configMap("owned", await cluster.kubectl(uid)), { namespace });
  await cluster.kubectl(["delete", "configmap", "owner", "-n", namespace]);
  await cluster.kubectl(["wait", "--for=delete", "configmap/owned", "-n", namespace]);
  await cluster.kubectl(["delete", "namespace", namespace, "--timeout=50s"]);
});

function configMap(name: string, ownerUid?: string): string {
  const owner = `{apiVersion: v1, kind: ConfigMap, name: owner, uid: ${ownerUid}}`;
  const metadata = ownerUid === undefined ? "" : `, ownerReferences: [${owner}]`;
  return `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}${metadata}}}`;
}
