import { beforeAll, expect, test } from "vitest";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { startControlPlane } from "../../cluster/controlPlane.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { clientOf, type TestClient } from "../helpers/apiClient.ts";
import { follow } from "../helpers/follow.ts";
import { createServiceAccount, grant } from "../helpers/grant.ts";
import { configMaps, secrets } from "../helpers/kinds.ts";
import { startRelay } from "../helpers/relay.ts";

let cluster: ControlPlaneAccess;
let admin: TestClient;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  admin = await clientOf(cluster.adminKubeConfig);
  return () => admin[Symbol.dispose]();
});

function write(
  { client }: TestClient,
  namespace: string,
  name: string,
  value = "",
): Promise<unknown> {
  const labels = { followed: "yes" };
  return client.apply(
    configMaps,
    { namespace, name },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data: { value } },
  );
}

/** What a follower should hold: name and version of each object. */
async function stored({ client }: TestClient, namespace: string): Promise<Map<string, string>> {
  const { items } = await client.list(configMaps, { namespace, labelSelector: "followed=yes" });
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}

test("1,200 objects come in pages, and changes while the watch is cut are all told", async () => {
  const namespace = await createNamespace(cluster, "many");
  const names = Array.from({ length: 1_200 }, (_, n) => `w${n}`);
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => write(admin, namespace, name)));
  }
  await using relay = await startRelay(new URL(cluster.url));
  using far = await clientOf(cluster.adminKubeConfig, { server: relay.url });
  const selection = { namespace, labelSelector: "followed=yes" };
  await using follower = follow(far.client, configMaps, selection);
  await follower.informer.synced;
  expect(far.counts.total()).toBeGreaterThanOrEqual(3);
  expect(follower.changes).toHaveLength(1_200);

  follower.changes.length = 0;
  for (const [round, way] of [relay.cut, relay.block].entries()) {
    await eventually(() => follower.informer.problem() === undefined && relay.open() > 0);
    way();
    await write(admin, namespace, "w0", `round ${round}`);
    await write(admin, namespace, `new${round}`);
    await admin.client.delete(configMaps, { namespace, name: `w${round + 1}` });
    relay.pass();
    await eventually(() => follower.changes.length === 3 * (round + 1));
  }
  expect(follower.told()).toEqual(["~w0", "+new0", "-w1", "~w0", "+new1", "-w2"]);
  expect(follower.versions()).toEqual(await stored(admin, namespace));
  expect(follower.informer.events.get("list")).toBe(1);
});

test("an API server that is killed and comes back is followed on, and too old a version is listed anew", async () => {
  await using own = await startControlPlane();
  using near = await clientOf(own.adminKubeConfig);
  await using relay = await startRelay(new URL(own.url));
  using far = await clientOf(own.adminKubeConfig, { server: relay.url });
  const selection = { namespace: "default", labelSelector: "followed=yes" };
  for (const name of ["kept", "changed", "gone"]) await write(near, "default", name);
  await using follower = follow(far.client, configMaps, selection);
  await follower.informer.synced;

  await own.killApiServer();
  await eventually(() => follower.informer.problem() !== undefined);
  await own.restartApiServer();
  await write(near, "default", "after");
  await eventually(() => follower.informer.get("default/after"));
  await eventually(() => follower.informer.problem() === undefined);

  const { events } = follower.informer;
  const expired = events.get("expired"); // a restart may have brought one already
  // What happened before the API server's memory begins is no longer told by a watch.
  follower.changes.length = 0;
  relay.block();
  await write(near, "default", "changed", "while nobody looked");
  await near.client.delete(configMaps, { namespace: "default", name: "gone" });
  await write(near, "default", "new");
  await own.killApiServer();
  await own.restartApiServer();
  relay.pass();
  await eventually(() => follower.changes.length === 3, 60_000);
  expect(follower.told().sort()).toEqual(["+new", "-gone", "~changed"]);
  expect(events.get("expired")).toBeGreaterThan(expired);
  expect(events.get("list")).toBe(1 + events.get("expired"));
  expect(follower.versions()).toEqual(await stored(near, "default"));
});

test("a server whose etcd stands still is given up, call by call", async () => {
  await using own = await startControlPlane();
  using near = await clientOf(own.adminKubeConfig);
  await write(near, "default", "x");
  own.pauseEtcd();
  await expect(
    near.client.merge(
      configMaps,
      { namespace: "default", name: "x" },
      { data: { value: "new" } }, // what changes nothing may be answered without etcd
      { timeout: 1_000 },
    ),
  ).rejects.toMatchObject({ code: "ERR_API_TIMEOUT" });
  own.resumeEtcd();
  await eventually(
    () =>
      write(near, "default", "x", "again").then(
        () => true,
        () => false, // it needs a while to find out
      ),
    60_000,
  );
});

test("a watch of metadata alone tells of changes and brings no content", async () => {
  const namespace = await createNamespace(cluster, "sealed");
  const selection = { namespace, labelSelector: "sealed=yes", metadataOnly: true };
  await using follower = follow(admin.client, secrets, selection);
  await follower.informer.synced;
  const secret = (labels: object, value: string): object => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s", namespace, labels },
    stringData: { value },
  });
  const at = { namespace, name: "s" };
  await admin.client.apply(secrets, at, secret({ sealed: "yes" }, "one"));
  await admin.client.apply(secrets, at, secret({ sealed: "yes" }, "two"));
  await admin.client.apply(secrets, at, secret({ sealed: "no" }, "two"));
  await eventually(() => follower.changes.length === 3);
  expect(follower.told()).toEqual(["+s", "~s", "-s"]);
  for (const { object } of follower.changes) expect(Object.keys(object)).not.toContain("data");
});

test("without the grant the problem says so, and with it all is well again", async () => {
  const namespace = await createNamespace(cluster, "grant");
  await createServiceAccount(cluster, namespace);
  const token = await cluster.tokenFor("operator", namespace);
  using client = await clientOf(await cluster.kubeConfigFor({ token }));
  await using follower = follow(client.client, configMaps, { namespace });
  await eventually(() => follower.informer.problem() !== undefined);
  expect(follower.informer.problem()).toMatchObject({
    code: "ERR_API_FORBIDDEN",
    call: { verb: "list", resource: configMaps, namespace },
    message: `list configmaps in ${namespace}: 403 Forbidden`,
  });
  await grant(cluster, namespace, ["configmaps"], ["list", "watch"]);
  await follower.informer.synced;
  await eventually(() => follower.informer.problem() === undefined);
});
