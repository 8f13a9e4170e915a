import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { applyFiles, applyYaml, createNamespace, installCrds } from "./objects.ts";
import { sharedControlPlane } from "./shared.ts";

const cluster = await sharedControlPlane();

test("objects are kept, in namespaces of their own", async () => {
  const namespaces = await Promise.all([
    createNamespace(cluster, "objects"),
    createNamespace(cluster, "objects"),
  ]);
  for (const namespace of namespaces) await applyYaml(cluster, configMap(namespace), { namespace });
  for (const namespace of namespaces) {
    const get = ["get", "configmap", "note", "-n", namespace, "-o", "jsonpath={.data.in}"];
    expect(await cluster.kubectl(get)).toBe(namespace);
  }
});

test("a ServiceAccount may do what a Role gives it and nothing else", async () => {
  const namespace = await createNamespace(cluster, "rbac");
  await applyYaml(cluster, serviceAccount("reader"), { namespace });
  const token = await cluster.tokenFor("reader", namespace);
  const kubeconfig = await cluster.kubeConfigFor({ token });
  const list = ["get", "configmaps", "-n", namespace, "-o", "name"];
  const remove = ["delete", "configmaps", "--all", "-n", namespace];

  await expect(cluster.kubectl(list, { kubeconfig })).rejects.toThrow(
    `User "system:serviceaccount:${namespace}:reader" cannot list resource "configmaps"`,
  );

  await using folder = await makeFolder();
  await writeFile(folder.at("role.yaml"), role("reader", namespace));
  await applyFiles(cluster, [folder.at("role.yaml")], { namespace });
  await applyYaml(cluster, configMap("x"), { namespace });
  const found = await eventually(() =>
    cluster.kubectl(list, { kubeconfig }).catch(() => undefined),
  );
  expect(found.trim()).toBe("configmap/note");
  await expect(cluster.kubectl(remove, { kubeconfig })).rejects.toThrow("cannot delete");
});

test("a token that has ended, or that nobody signed, is refused", async () => {
  const namespace = await createNamespace(cluster, "tokens");
  await applyYaml(cluster, serviceAccount("late"), { namespace });
  const whoami = async (token: string): Promise<string> => {
    const kubeconfig = await cluster.kubeConfigFor({ token });
    return cluster.kubectl(["auth", "whoami", "-o", "name"], { kubeconfig });
  };
  const late = await cluster.tokenFor("late", namespace, { expirationSeconds: -120 });
  const good = await cluster.tokenFor("late", namespace);
  const forged = good.slice(0, good.lastIndexOf(".") + 1) + late.slice(late.lastIndexOf(".") + 1);
  await expect(whoami(good)).resolves.toBeDefined();
  await expect(whoami(late)).rejects.toThrow("Unauthorized");
  await expect(whoami(forged)).rejects.toThrow("Unauthorized");
});

test("an installed CRD is served at once, with its rules", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("crd.yaml"), crd);
  await installCrds(cluster, [folder.at("crd.yaml")]);
  const namespace = await createNamespace(cluster, "crd");
  await applyYaml(cluster, lamp(3), { namespace });
  await expect(applyYaml(cluster, lamp(4), { namespace })).rejects.toThrow(
    "spec.watts: Invalid value: 4: spec.watts in body should be less than or equal to 3",
  );
});

test("PodSecurity refuses what a namespace's label forbids", async () => {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  const namespace = await createNamespace(cluster, "restricted", labels);
  // Made by a controller in a whole cluster.
  await applyYaml(cluster, serviceAccount("default"), { namespace });
  await expect(applyYaml(cluster, privilegedPod, { namespace })).rejects.toThrow(
    /violates PodSecurity "restricted:latest": privileged/,
  );
});

test("the audit log counts a user's requests", async () => {
  const namespace = await createNamespace(cluster, "audit");
  await applyYaml(cluster, serviceAccount("watcher"), { namespace });
  await applyYaml(cluster, role("watcher", namespace), { namespace });
  const token = await cluster.tokenFor("watcher", namespace);
  const kubeconfig = await cluster.kubeConfigFor({ token });
  const user = `system:serviceaccount:${namespace}:watcher`;
  const can = ["auth", "can-i", "watch", "configmaps", "-n", namespace, "--as", user];
  await eventually(() => cluster.kubectl(can).catch(() => undefined));

  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const get = ["get", "--raw"];
  await cluster.kubectl([...get, path], { kubeconfig });
  await cluster.kubectl([...get, `${path}?watch=true&timeoutSeconds=1`], { kubeconfig });
  const refused = cluster.kubectl([...get, `${path}/note`], { kubeconfig });
  await expect(refused).rejects.toThrow("cannot get");
  const events = await eventually(async () => {
    const all = await cluster.auditEvents();
    const own = all.filter((event) => event.user.username === user);
    return own.length === 4 && own;
  });
  expect(events.map(({ verb, stage }) => `${verb} ${stage}`)).toEqual([
    "list ResponseComplete",
    "watch ResponseStarted",
    "watch ResponseComplete",
    "get ResponseComplete",
  ]);
  expect(events.map(({ responseStatus }) => responseStatus?.code)).toEqual([200, 200, 200, 403]);
  expect(events.at(-1)?.objectRef).toMatchObject({ resource: "configmaps", name: "note" });
});

function configMap(content: string): string {
  return `{apiVersion: v1, kind: ConfigMap, metadata: {name: note}, data: {in: ${content}}}`;
}

function serviceAccount(name: string): string {
  return `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ${name}}}`;
}

function role(account: string, namespace: string): string {
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: ${account} }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${account} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${account} }
subjects: [{ kind: ServiceAccount, name: ${account}, namespace: ${namespace} }]
`;
}

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: lamps.test.example }
spec:
  group: test.example
  scope: Namespaced
  names: { plural: lamps, singular: lamp, kind: Lamp, listKind: LampList }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { watts: { type: integer, maximum: 3 } } }
`;

function lamp(watts: number): string {
  return `{apiVersion: test.example/v1, kind: Lamp, metadata: {name: desk}, spec: {watts: ${watts}}}`;
}

const privilegedPod = `
apiVersion: v1
kind: Pod
metadata: { name: bold }
spec: { containers: [{ name: a, image: a, securityContext: { privileged: true } }] }
`;
