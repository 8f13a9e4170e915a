import { cp, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { inNamespace, smallest } from "../helpers/bridge.ts";
import { chart, helm, home, release } from "./helm.ts";

let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane();
  await cluster.startControllerManager();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const definition = "customresourcedefinition/qrngbridges.qrngbridge.io";

const run = (command: string, ...args: readonly string[]): Promise<string> =>
  helm([command, release, ...args, "--namespace", home], cluster.adminKubeConfig);

const names = async (...kinds: string[]): Promise<string[]> => {
  const get = ["get", kinds.join(), "--output", "name", "--ignore-not-found", "--namespace", home];
  const text = await cluster.kubectl([
    ...get,
    "--selector",
    `app.kubernetes.io/instance=${release}`,
  ]);
  return text.split("\n").filter((line) => line !== "");
};

const owned = [
  "deployment",
  "serviceaccount",
  "role",
  "rolebinding",
  "clusterrole",
  "networkpolicy",
  "service",
  "poddisruptionbudget",
];

test("an upgrade brings the new definition, and an uninstall leaves it and the bridges alone", async () => {
  const scene = inNamespace(cluster, home);
  // An earlier chart, whose definition lacks a printer column.
  await using earlier = await makeFolder();
  await cp(chart, earlier.path, { recursive: true });
  const template = earlier.at("templates/crd.yaml");
  const text = await readFile(template, "utf8");
  const older = text.replace(/ +- name: One-way\n(?: {10,}.*\n){2}/, "");
  expect(older).not.toBe(text);
  await writeFile(template, older);

  await run("install", earlier.path, "--create-namespace");
  await cluster.kubectl(["wait", "--for=condition=Established", definition, "--timeout=60s"]);
  const columns = (): Promise<string> =>
    cluster.kubectl(["get", definition, "--output=jsonpath={..additionalPrinterColumns[*].name}"]);
  expect(await columns()).toBe("Topology Ready Flowing Gateways Age");
  await scene.applyBridge("lab", smallest);
  const before = await scene.get("qrngbridge", "lab");

  await run("upgrade", chart, "--set", "operator.replicas=2");
  expect(await columns()).toBe("Topology Ready Flowing One-way Gateways Age");
  expect(await names("poddisruptionbudget")).toHaveLength(1);
  expect(await scene.get("qrngbridge", "lab")).toEqual(before);

  await run("uninstall");
  expect(await names(...owned)).toEqual([]);
  expect(await scene.get("qrngbridge", "lab")).toEqual(before);

  // The same release again takes it over; another one only when it is told to.
  await run("install", chart);
  expect(await scene.get("qrngbridge", "lab")).toEqual(before);
  await run("uninstall");
  const other = ["install", "other", chart, "--namespace", home];
  await expect(helm(other, cluster.adminKubeConfig)).rejects.toThrow("invalid ownership metadata");
  await helm([...other, "--take-ownership"], cluster.adminKubeConfig);
  expect(await scene.get("qrngbridge", "lab")).toMatchObject({
    metadata: { uid: before!.metadata.uid },
  });
  await helm(["uninstall", "other", "--namespace", home], cluster.adminKubeConfig);
});

test("with crds.keep=false an uninstall takes the definition and the bridges along", async () => {
  await cluster.kubectl(["delete", definition, "--ignore-not-found", "--wait"]);
  await run("install", chart, "--create-namespace", "--set", "crds.keep=false");
  await cluster.kubectl(["wait", "--for=condition=Established", definition, "--timeout=60s"]);
  await inNamespace(cluster, home).applyBridge("lab", smallest);
  await run("uninstall", "--wait");
  expect(await cluster.kubectl(["get", definition, "--ignore-not-found"])).toBe("");
});

test("whom the cluster lets edit a namespace, it lets edit bridges there, and likewise with view", async () => {
  await run("install", chart, "--create-namespace");
  for (const role of ["edit", "view"]) {
    const binding = ["create", "rolebinding", role, "--clusterrole", role, "--user", role];
    await cluster.kubectl([...binding, "--namespace", home]);
  }
  const may = async (user: string, ...what: string[]): Promise<boolean> => {
    const ask = ["auth", "can-i", ...what, "--namespace", home, "--as", user];
    return (await cluster.kubectl(ask).catch(() => "no")).trim() === "yes";
  };
  await eventually(() => may("edit", "patch", "qrngbridges.qrngbridge.io"), 60_000);
  await eventually(() => may("view", "list", "qrngbridges.qrngbridge.io"), 60_000);
  expect(await may("edit", "watch", "qrngbridges.qrngbridge.io")).toBe(true);
  expect(await may("view", "patch", "qrngbridges.qrngbridge.io")).toBe(false);
  expect(await may("edit", "patch", "qrngbridges.qrngbridge.io", "--subresource=status")).toBe(
    false,
  );
  await run("uninstall");
});

test("what install.yaml brings, a sync loop finds as it is", async () => {
  const file = ["--filename", "deploy/install.yaml"];
  await cluster.kubectl(["apply", ...file]);
  await cluster.kubectl(["wait", "--for=condition=Established", definition, "--timeout=60s"]);
  const live = async (...verb: string[]): Promise<object[]> => {
    const text = await cluster.kubectl([...verb, ...file, "--output=json"]);
    return (JSON.parse(text) as { items: LiveObject[] }).items.map(lasting);
  };
  expect(await live("apply", "--dry-run=server")).toEqual(await live("get"));
});

interface LiveObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

/** An object without what the API server counts, and controllers write beside its spec. */
function lasting({ metadata, ...object }: LiveObject): object {
  const annotations = { ...metadata.annotations, "deployment.kubernetes.io/revision": undefined };
  const own = { ...metadata, resourceVersion: undefined, annotations };
  return { ...object, metadata: own, status: undefined };
}
