import { mkdir, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { startTestGateway, type TestGateway } from "../../gateway/helpers/gateway.ts";
import { goldenNames, goldenSpecs } from "../../operator/build/specs.ts";
import { eventually } from "../../helpers/eventually.ts";
import { type Folder, makeFolder } from "../../helpers/folder.ts";
import { healthOf } from "../../helpers/lua.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import {
  addressOf,
  configWith,
  pushSigned,
  runGatewayPod,
  storedRing,
} from "../helpers/gateway.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, type Scene, settleBridge } from "../helpers/scene.ts";
import { helm } from "./helm.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "gitops");
});

const manifestOf = (spec: Spec, metadata: object = {}): object => ({
  apiVersion: "qrngbridge.io/v1alpha1",
  kind: "QrngBridge",
  metadata: { name: "lab", ...metadata },
  spec,
});

describe("while the operator works", () => {
  /** A release of the bridge: Helm waits for custom resources by kstatus, as Flux does. */
  async function deploy(folder: Folder, spec: Spec, metadata = {}): Promise<void> {
    await mkdir(folder.at("templates"), { recursive: true });
    const about = { apiVersion: "v2", name: "bridge", version: "1.0.0" };
    await writeFile(folder.at("Chart.yaml"), stringify(about));
    await writeFile(folder.at("templates/bridge.yaml"), stringify(manifestOf(spec, metadata)));
    await upgrade(folder, "--wait=hookOnly");
  }

  const upgrade = ({ path }: Folder, ...args: string[]): Promise<string> => {
    const at = ["--install", "--namespace", scene.namespace];
    return helm(["upgrade", "bridge", path, ...at, ...args], scene.cluster.adminKubeConfig);
  };

  /** Waits until kstatus says that the bridge is Current, InProgress or Failed. */
  async function statusIs(folder: Folder, expected: string): Promise<void> {
    await eventually(async () => (await statusOf(folder)) === expected, 120_000);
  }

  async function statusOf(folder: Folder): Promise<string | undefined> {
    try {
      await upgrade(folder, "--wait=watcher", "--timeout=4s");
      return "Current";
    } catch (error) {
      const { stderr } = z.object({ stderr: z.string() }).parse(error);
      return /QrngBridge\S* not ready\. status: (\w+)/.exec(stderr)?.[1];
    }
  }

  const health = async () => healthOf((await scene.get("qrngbridge", "lab"))!);

  test("Argo CD's script and kstatus see how a bridge is", async () => {
    await using folder = await makeFolder();
    const ring = folder.at("ring.json");
    let gateway: TestGateway | undefined;
    await deploy(folder, smallest);
    expect(await health()).toMatchObject({ status: "Progressing" });
    await using _ = await startTestOperator(scene.cluster, [scene.namespace], {
      gatewayAddress: () => (gateway ? addressOf(gateway) : { host: "127.0.0.1", port: 1 }),
    });

    await scene.reasonIs("lab", "Reconciling", "RollingOut");
    expect(await health()).toMatchObject({
      status: "Progressing",
      message: expect.stringContaining("pods are new") as string,
    });
    await statusIs(folder, "InProgress");

    await settleBridge(scene, "lab");
    await scene.reasonIs("lab", "Ready", "NoBytesYet");
    expect((await health()).status).toBe("Progressing");
    await statusIs(folder, "InProgress");

    const stored = await storedRing(scene);
    await writeFile(ring, stored.text, { mode: 0o600 });
    gateway = await startTestGateway(configWith(ring));
    await using started = gateway;
    await runGatewayPod(scene, "lab-gateway-a");
    expect(await pushSigned(started, stored.ring)).toBe(200);
    await scene.reasonIs("lab", "Ready", "Ready");
    expect(await health()).toMatchObject({ status: "Healthy" });
    await statusIs(folder, "Current");

    const caRef = { kind: "ConfigMap", name: "absent", key: "ca.crt" } as const;
    const [source] = smallest.sources ?? [];
    await deploy(folder, { sources: [{ ...source!, caRef }] });
    await scene.reasonIs("lab", "Stalled", "ReferenceMissing");
    expect(await health()).toMatchObject({
      status: "Degraded",
      message: expect.stringContaining("absent") as string,
    });
    await statusIs(folder, "Failed");

    await deploy(folder, { ...smallest, suspend: true });
    await scene.reasonIs("lab", "Ready", "Suspended");
    await settleBridge(scene, "lab");
    expect(await health()).toMatchObject({ status: "Suspended" });

    await deploy(folder, smallest, { annotations: { "qrngbridge.io/paused": "true" } });
    await scene.reasonIs("lab", "Reconciling", "Paused");
    expect(await health()).toMatchObject({ status: "Suspended" });
  });
});

describe("a sync loop", () => {
  const tracking = {
    labels: { "app.kubernetes.io/instance": "bridges" },
    annotations: { "argocd.argoproj.io/tracking-id": "bridges:qrngbridge.io/QrngBridge:x/lab" },
  };
  const ways = [
    ["client-side", []],
    ["server-side", ["--server-side", "--field-manager=argocd-controller"]],
  ] as const;

  test.each(ways)("finds nothing to correct in a bridge that it applied %s", async (_, way) => {
    await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
    const input = JSON.stringify(manifestOf(smallest, tracking));
    const at = ["--namespace", scene.namespace, "--filename=-"];
    const apply = (...flags: string[]): Promise<string> =>
      scene.cluster.kubectl(["apply", ...way, ...at, ...flags], { input });
    await apply();
    await settleBridge(scene, "lab");
    await operator.reconciled(1);

    const live = await scene.get("qrngbridge", "lab");
    const planned: unknown = JSON.parse(await apply("--dry-run=server", "--output=json"));
    expect(planned).toEqual(live);

    const owned = [...(await scene.owned("lab")).values()];
    expect(owned.length).toBeGreaterThan(10);
    for (const { kind, metadata } of owned) {
      const keys = [
        ...Object.keys(metadata.labels ?? {}),
        ...Object.keys(metadata.annotations ?? {}),
      ];
      expect(keys, `${kind} ${metadata.name}`).not.toContain("app.kubernetes.io/instance");
      expect(keys, `${kind} ${metadata.name}`).not.toContain("argocd.argoproj.io/tracking-id");
    }
  });

  test.each(goldenNames)("finds nothing to correct in the manifest %s", async (name) => {
    const input = JSON.stringify(manifestOf(goldenSpecs[name]));
    const apply = ["apply", "--server-side", "--namespace", scene.namespace, "--filename=-"];
    await scene.cluster.kubectl(apply, { input });
    const live = await scene.get("qrngbridge", "lab");
    const dryRun = [...apply, "--dry-run=server", "--output=json"];
    expect(JSON.parse(await scene.cluster.kubectl(dryRun, { input }))).toEqual(live);
  });
});
