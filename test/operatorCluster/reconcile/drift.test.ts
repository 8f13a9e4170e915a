import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type StoredObject } from "../helpers/bridge.ts";
import { withoutWaitsOf } from "../helpers/fastTime.ts";
import { startTestOperator, type TestOperator } from "../helpers/operator.ts";
import { newScene, secretData, settleBridge, type Scene } from "../helpers/scene.ts";

let scene: Scene;
let operator: TestOperator;

beforeAll(async () => {
  scene = await newScene(await sharedControlPlane(), "drift");
  // What is put back here is put back within a second: nothing waits for that long.
  const scheduler = withoutWaitsOf(1_000);
  operator = await startTestOperator(scene.cluster, [scene.namespace], { scheduler });
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
});

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
});

const merge = (kind: string, name: string, patch: object, ...more: string[]) =>
  scene.kubectl("patch", kind, name, "--type=merge", "--patch", JSON.stringify(patch), ...more);

interface Drift {
  readonly what: string;
  readonly kind: string;
  readonly name: string;
  readonly change: () => Promise<unknown>;
  /** What others changed. */
  readonly read: (object: StoredObject) => unknown;
}

const drifts: readonly Drift[] = [
  {
    what: "an edited field of a Deployment",
    kind: "Deployment",
    name: "lab-gateway",
    change: () => merge("deployment", "lab-gateway", { spec: { replicas: 7 } }),
    read: ({ spec }) => spec?.["replicas"],
  },
  {
    what: "an edited config",
    kind: "ConfigMap",
    name: "lab-gateway-config",
    change: () => merge("configmap", "lab-gateway-config", { data: { "gateway.yaml": "{}" } }),
    read: ({ data }) => data,
  },
  {
    what: "a removed field",
    kind: "ConfigMap",
    name: "lab-ca",
    change: () => merge("configmap", "lab-ca", { data: null }),
    read: ({ data }) => data,
  },
  {
    what: "a NetworkPolicy that was opened",
    kind: "NetworkPolicy",
    name: "lab-collector",
    change: () => merge("networkpolicy", "lab-collector", { spec: { ingress: [{}] } }),
    read: ({ spec }) => spec,
  },
  {
    what: "a label that was removed, by which the object is found",
    kind: "Service",
    name: "lab-push",
    change: () => scene.kubectl("label", "service", "lab-push", "qrngbridge.io/bridge-"),
    read: ({ metadata }) => metadata.labels,
  },
  {
    what: "fields that another field manager has taken",
    kind: "Service",
    name: "lab-gateway",
    change: () =>
      scene.cluster.kubectl(
        [
          "apply",
          "--server-side",
          "--force-conflicts",
          "--field-manager=somebody",
          "--namespace",
          scene.namespace,
          "--filename=-",
        ],
        {
          input: JSON.stringify({
            apiVersion: "v1",
            kind: "Service",
            metadata: { name: "lab-gateway" },
            spec: { selector: { app: "theirs" } },
          }),
        },
      ),
    read: ({ spec }) =>
      (spec?.["selector"] as Record<string, string> | undefined)?.["qrngbridge.io/bridge"],
  },
  {
    what: "a key that was changed by hand",
    kind: "Secret",
    name: "lab-key-hashes",
    change: () => merge("secret", "lab-key-hashes", { data: { "api-keys": "AAAA" } }),
    read: ({ data }) => data,
  },
  {
    what: "a label that says nothing to the operator",
    kind: "ServiceAccount",
    name: "lab-gateway",
    change: () =>
      merge("serviceaccount", "lab-gateway", {
        metadata: { labels: { "app.kubernetes.io/name": "x" } },
      }),
    read: ({ metadata }) => metadata.labels,
  },
];

test.each(drifts)("$what is put back, and told", async ({ kind, name, change, read }) => {
  const before = await scene.get(kind, name);
  await change();
  const back = await eventually(async () => {
    const now = await scene.get(kind, name);
    const isBack = JSON.stringify(now && read(now)) === JSON.stringify(before && read(before));
    return isBack && now;
  });
  expect(back.metadata.resourceVersion).not.toBe(before?.metadata.resourceVersion);
  expect(back.metadata.uid).toBe(before?.metadata.uid);
});

test("what is deleted comes again, and the Secrets' other keys stay", async () => {
  const before = await secretData(scene, "lab-gateway-authority");
  await scene.kubectl("delete", "service,deployment", "lab-gateway");
  await scene.kubectl("delete", "secret", "lab-key-hashes");
  await eventually(async () => {
    const owned = await scene.owned("lab");
    return owned.has("Service lab-gateway") && owned.has("Secret lab-key-hashes");
  });
  expect(await secretData(scene, "lab-gateway-authority")).toEqual(before);
  const told = await eventually(async () =>
    (await scene.events()).find(({ reason }) => reason === "ObjectRestored"),
  );
  expect(told.note).toMatch(/^(Service|Deployment) lab-gateway was deleted by others/);
});

test("a ring whose file was broken is put right with the same keys", async () => {
  const before = await secretData(scene, "lab-signing");
  await merge("secret", "lab-signing", { data: { "ring.json": "AAAA" } });
  await eventually(async () => {
    const now = await secretData(scene, "lab-signing");
    return now["ring.json"] === before["ring.json"];
  });
});

test("all that was changed is one Event, which counts, and so is what was deleted", async () => {
  await operator.operator.stop(); // else a count that goes up is written a minute later
  const told = await scene.events();
  const counts = (wanted: string): (number | undefined)[] =>
    told.filter(({ reason }) => reason === wanted).map(({ series }) => series?.count);
  expect(counts("DriftCorrected")).toEqual([drifts.length + 1]);
  expect(counts("ObjectRestored")).toEqual([expect.any(Number)]);
  expect(told.find(({ reason }) => reason === "DriftCorrected")?.note).toBe(
    "Deployment lab-gateway was changed by others, last by kubectl-patch, and is as before again",
  );
});
