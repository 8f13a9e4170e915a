import { beforeAll, expect, test } from "vitest";
import { ApiError } from "../../../operator/api/errors.ts";
import type { ApiClient } from "../../../operator/api/client.ts";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { clientOf } from "../helpers/apiClient.ts";
import { configMaps, deployments, namespaces, secrets } from "../helpers/kinds.ts";

let cluster: ControlPlaneAccess;
let namespace: string;
let client: ApiClient;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  namespace = await createNamespace(cluster, "client");
  const admin = await clientOf(cluster.adminKubeConfig);
  client = admin.client;
  return () => admin[Symbol.dispose]();
});

function configMap(name: string, data: Record<string, string>, more: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, ...more }, data };
}

test("an object is created, read, replaced, merged and deleted", async () => {
  const at = { namespace, name: "life" };
  expect(await client.get(configMaps, at)).toBeUndefined();
  const created = await client.create(configMaps, namespace, configMap("life", { a: "1" }));
  expect(created.metadata).toMatchObject({ name: "life", namespace });

  const { resourceVersion } = created.metadata;
  const replacement = configMap("life", { a: "2" }, { resourceVersion });
  const replaced = await client.replace(configMaps, at, replacement);
  expect(replaced["data"]).toEqual({ a: "2" });
  await expect(client.replace(configMaps, at, replacement)).rejects.toMatchObject({
    code: "ERR_API_CONFLICT",
    status: 409,
    reason: "Conflict",
  });
  const merged = await client.merge(configMaps, at, { data: { b: "3" } });
  expect(merged["data"]).toEqual({ a: "2", b: "3" });
  expect((await client.get(configMaps, at))?.metadata.uid).toBe(created.metadata.uid);

  expect(await client.delete(configMaps, at)).toBe(true);
  expect(await client.delete(configMaps, at)).toBe(false);
});

test("a delete takes only the object and the state it names", async () => {
  const at = { namespace, name: "precondition" };
  const first = await client.create(configMaps, namespace, configMap("precondition", {}));
  await client.merge(configMaps, at, { data: { a: "1" } });
  const conflict = { code: "ERR_API_CONFLICT" };
  const { uid, resourceVersion } = first.metadata;
  await expect(client.delete(configMaps, at, { resourceVersion })).rejects.toMatchObject(conflict);
  const other = { uid: "00000000-0000-0000-0000-000000000000" };
  await expect(client.delete(configMaps, at, other)).rejects.toMatchObject(conflict);
  expect(await client.delete(configMaps, at, { uid })).toBe(true);
});

test("apply owns its fields and takes others' only by force", async () => {
  const at = { namespace, name: "applied" };
  using other = await clientOf(cluster.adminKubeConfig, { fieldManager: "somebody-else" });
  await client.apply(configMaps, at, configMap("applied", { ours: "1" }));
  await other.client.apply(configMaps, at, configMap("applied", { theirs: "2" }));
  const stolen = configMap("applied", { ours: "stolen", theirs: "2" });
  await expect(other.client.apply(configMaps, at, stolen, { force: false })).rejects.toMatchObject({
    code: "ERR_API_CONFLICT",
    status: 409,
  });
  await other.client.apply(configMaps, at, stolen);
  const healed = await client.apply(configMaps, at, configMap("applied", { ours: "1" }));
  expect(healed["data"]).toEqual({ ours: "1", theirs: "2" });
  // A field that is no longer applied goes; the other's stays.
  const empty = await client.apply(configMaps, at, configMap("applied", {}));
  expect(empty["data"]).toEqual({ theirs: "2" });
});

test("the same apply again changes nothing", async () => {
  const at = { namespace, name: "same" };
  const first = await client.apply(configMaps, at, configMap("same", { a: "1" }));
  const second = await client.apply(configMaps, at, configMap("same", { a: "1" }));
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
});

test("an apply onto a version that no object has creates, and conflicts with what is there", async () => {
  const at = { namespace, name: "anew" };
  const anew = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...at, resourceVersion: "1" } };
  const created = await client.apply(configMaps, at, { ...anew, data: { a: "1" } });
  expect(created["data"]).toEqual({ a: "1" });
  const again = client.apply(configMaps, at, { ...anew, data: { a: "2" } });
  await expect(again).rejects.toMatchObject({ code: "ERR_API_CONFLICT" });
  expect(await client.get(configMaps, at)).toEqual(created);
});

test("a read is of a state that is not older than the given one", async () => {
  const at = { namespace, name: "read" };
  await client.create(configMaps, namespace, configMap("read", { a: "0" }));
  for (let n = 1; n <= 20; n++) {
    const { metadata } = await client.merge(configMaps, at, { data: { a: String(n) } });
    const { resourceVersion } = metadata;
    const read = await client.get(configMaps, at, { resourceVersion });
    expect(read?.["data"]).toEqual({ a: String(n) });
  }
});

test("a dry run is answered and not stored", async () => {
  const at = { namespace, name: "dry" };
  const answer = await client.apply(configMaps, at, configMap("dry", { a: "1" }), { dryRun: true });
  expect(answer["data"]).toEqual({ a: "1" });
  expect(await client.get(configMaps, at)).toBeUndefined();
});

test("status is written apart from spec", async () => {
  const at = { namespace, name: "statused" };
  const labels = { app: "a" };
  const spec = {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "a", image: "a" }] } },
  };
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: at };
  const created = await client.apply(deployments, at, { ...object, spec });
  const status = { observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1 };
  const written = await client.apply(
    deployments,
    at,
    { ...object, spec: { replicas: 5 }, status },
    { subresource: "status" },
  );
  expect(written["status"]).toMatchObject(status);
  expect(written.metadata.generation).toBe(created.metadata.generation);
});

test("metadata alone never brings the content", async () => {
  const data = { token: Buffer.from("not for your eyes").toString("base64") };
  const metadata = { name: "sealed", namespace, labels: { sealed: "yes" } };
  const secret = { apiVersion: "v1", kind: "Secret", metadata, data };
  await client.create(secrets, namespace, secret);
  const selection = { namespace, labelSelector: "sealed=yes", metadataOnly: true };
  const page = await client.list(secrets, selection);
  expect(page.items.map(({ metadata }) => metadata.name)).toEqual(["sealed"]);
  const one = await client.get(secrets, { namespace, name: "sealed" }, { metadataOnly: true });
  for (const object of [...page.items, one]) expect(object).not.toHaveProperty("data");
});

test("what is refused says so with a code, and its message quotes nothing of the object", async () => {
  const bad = configMap("Not_A_Name", { "bad key!": "hush" });
  const error = await client.create(configMaps, namespace, bad).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApiError);
  const refused = error as ApiError;
  expect(refused).toMatchObject({ code: "ERR_API_INVALID", status: 422, reason: "Invalid" });
  expect(refused.message).toBe(`create configmaps in ${namespace}: 422 Invalid`);
  expect(refused.text).toContain("Not_A_Name");
  await client.create(configMaps, namespace, configMap("twice", {}));
  await expect(client.create(configMaps, namespace, configMap("twice", {}))).rejects.toMatchObject({
    code: "ERR_API_EXISTS",
  });
  await expect(
    client.create(configMaps, "no-such-namespace", configMap("a", {})),
  ).rejects.toMatchObject({ code: "ERR_API_INVALID" });
});

test("it is known which kinds are served", async () => {
  const monitors = { group: "monitoring.coreos.com", version: "v1", kind: "ServiceMonitor" };
  expect(await client.serves(configMaps)).toBe(true);
  expect(await client.serves(deployments)).toBe(true);
  expect(await client.serves({ ...monitors, plural: "servicemonitors" })).toBe(false);
  expect(await client.serves({ ...deployments, plural: "nosuchthings" })).toBe(false);
});

test("a cluster-wide kind has no namespace in its path", async () => {
  const found = await client.get(namespaces, { name: namespace });
  expect(found?.metadata.name).toBe(namespace);
});
