import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge, type Scene } from "../helpers/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "clash");
});

test.each([
  ["ConfigMap", { kind: "ConfigMap", data: { theirs: "1" } }],
  ["Secret", { kind: "Secret", stringData: { theirs: "1" } }],
])("a %s of that name that others own is named, and is left as it is", async (kind, content) => {
  const name = kind === "Secret" ? "lab-signing" : "lab-ca";
  await scene.apply({ apiVersion: "v1", metadata: { name }, ...content });
  const before = await scene.get(kind, name);
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  const message = await scene.reasonIs("lab", "Stalled", "NameTaken");
  expect(message).toBe(
    `${kind} ${name} in ${scene.namespace} is there already and belongs to nobody that it names: delete it, or give this bridge another name`,
  );
  expect(await scene.get(kind, name)).toEqual(before);
  const made = [...(await scene.owned("lab")).keys()];
  expect(made.filter((key) => key.startsWith("Deployment "))).toEqual([]);
  // It may have found out by an apply that was refused; while it waits it only asks.
  const { length } = await operator.writes();
  await operator.reconciledBy(() =>
    scene.kubectl("annotate", "qrngbridge", "lab", "example.com/look=once"),
  );
  expect(await operator.writes()).toHaveLength(length);
  expect((await scene.conditionOf("lab", "Ready"))?.reason).toBe("NameTaken");
  const told = await eventually(async () =>
    (await scene.events()).find(({ reason }) => reason === "NameTaken"),
  );
  expect(told.note).toBe(`Stalled: ${message}`);

  await scene.kubectl("delete", kind, name);
  await scene.kubectl("annotate", "qrngbridge", "lab", "example.com/look=again", "--overwrite");
  await scene.reasonIs("lab", "Stalled", "NotStalled");
});

const theirs = { app: "theirs" };

test.each<[string, string, object]>([
  [
    "Deployment",
    "lab-collector",
    {
      apiVersion: "apps/v1",
      spec: {
        selector: { matchLabels: theirs },
        template: {
          metadata: { labels: theirs },
          spec: { containers: [{ name: "a", image: "a.example/a" }] },
        },
      },
    },
  ],
  ["ConfigMap", "lab-collector-config", { apiVersion: "v1" }],
  ["ConfigMap", "lab-dashboard", { apiVersion: "v1" }],
])("while %s %s is somebody else's, no pod runs or rolls", async (kind, name, content) => {
  await scene.apply({ kind, metadata: { name }, ...content });
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  const message = await scene.reasonIs("lab", "Stalled", "NameTaken");
  expect(message).toContain(`${kind} ${name} in ${scene.namespace} is there already`);
  const made = [...(await scene.owned("lab")).keys()];
  expect(made.filter((key) => key.startsWith("Deployment "))).toEqual([]);
  // Of a clash over a Deployment it knows before it makes anything.
  expect(made.length === 0).toBe(kind === "Deployment");
});

test("pods that run do not roll when a new spec needs a name that is taken", async () => {
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  const direct = { ...smallest, topology: "Direct" } as const;
  await scene.applyBridge("lab", direct);
  await settleBridge(scene, "lab");
  const before = await scene.get("deployment", "lab-gateway");
  await scene.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "lab-collector-config" },
  });
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Stalled", "NameTaken");
  expect(await scene.get("deployment", "lab-gateway")).toEqual(before);
});

test("several bridges in a namespace, and the same name in two, each keep to themselves", async () => {
  const other = await newScene(scene.cluster, "clash-other");
  await using _ = await startTestOperator(scene.cluster, [scene.namespace, other.namespace]);
  await Promise.all([
    scene.applyBridge("lab", smallest),
    scene.applyBridge("lab-2", smallest),
    other.applyBridge("lab", smallest),
  ]);
  await settleBridge(scene, "lab");
  await settleBridge(scene, "lab-2");
  await settleBridge(other, "lab");
  const names = [...(await scene.owned("lab")).keys()];
  const second = [...(await scene.owned("lab-2")).keys()];
  expect(second).toEqual(names.map((name) => name.replace(" lab-", " lab-2-")));
  expect([...(await other.owned("lab")).keys()]).toEqual(names);
  const keys = await Promise.all([
    secretData(scene, "lab-api-keys"),
    secretData(scene, "lab-2-api-keys"),
    secretData(other, "lab-api-keys"),
  ]);
  expect(new Set(keys.map((data) => data["api-key"])).size).toBe(3);
});

test("what a bridge of the same name left is taken over, with its keys", async () => {
  await using _ = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  const keys = () =>
    Promise.all(
      ["signing", "api-keys", "gateway-authority", "gateway-tls"].map((name) =>
        secretData(scene, `lab-${name}`),
      ),
    );
  const before = await keys();
  // Nothing collects garbage here, so that the new bridge is first.
  await scene.kubectl("delete", "qrngbridge", "lab");
  await scene.applyBridge("lab", smallest);
  const bridge = await scene.get("qrngbridge", "lab");
  await settleBridge(scene, "lab");
  for (const { metadata } of (await scene.owned("lab")).values()) {
    expect(metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([bridge?.metadata.uid]);
  }
  expect(await keys()).toEqual(before);
});
