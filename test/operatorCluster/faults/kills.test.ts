import { expect, test } from "vitest";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { behind } from "../helpers/behind.ts";
import { inNamespace, smallest, type Spec } from "../helpers/bridge.ts";
import { endState, heldSecrets, madeTwice } from "../helpers/endState.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { bundleOperator, startOperatorProcess } from "../helpers/operatorProcess.ts";
import { startProxy } from "../helpers/proxy.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

interface Work {
  readonly what: string;
  /** What the bridge is before. */
  readonly before?: Spec;
  readonly spec: Spec;
  /** How many writes it takes at least. */
  readonly atLeast: number;
}

const works: readonly Work[] = [
  { what: "making a bridge", spec: smallest, atLeast: 24 },
  {
    what: "making another topology of it",
    before: smallest,
    spec: { ...smallest, topology: "Direct" },
    atLeast: 10,
  },
];

/** Enough for a process to start and work, on a machine that does much else. */
const patience = 60_000;

test.each(works)(
  "killed at each write while $what, the next process ends what it began",
  async ({ before, spec, atLeast }) => {
    const cluster = await sharedControlPlane();
    await using program = await bundleOperator();
    await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
    const home = await newScene(cluster, "home");

    const makeScenes = async (count: number): Promise<Scene[]> => {
      const names = Array.from({ length: count }, () => createNamespace(cluster, "killed"));
      const namespaces = await Promise.all(names);
      return namespaces.map((namespace) => ({
        cluster,
        namespace,
        ...inNamespace(cluster, namespace),
      }));
    };
    const grantsFor = (scenes: readonly Scene[], through = cluster): Promise<string> =>
      operatorKubeConfig(through, [home.namespace, ...scenes.map(({ namespace }) => namespace)]);
    /** Brings all bridges to a spec, undisturbed. */
    const bring = async (scenes: readonly Scene[], wanted: Spec): Promise<void> => {
      const kubeconfig = await grantsFor(scenes);
      const namespaces = [home.namespace, ...scenes.map(({ namespace }) => namespace)] as const;
      await using operator = await startTestOperator(cluster, namespaces, { kubeconfig });
      await Promise.all(scenes.map((scene) => scene.applyBridge("lab", wanted)));
      for (const scene of scenes) await scene.reasonIs("lab", "Reconciling", "RollingOut");
      await operator.reconciled(scenes.length);
    };
    /** Begins the work in a process of its own, which is killed when its n-th write has arrived. */
    const workUntil = async (n: number, scene: Scene, kubeconfig: string): Promise<void> => {
      await scene.applyBridge("lab", spec);
      const flags = {
        kubeconfig,
        "management-address": "127.0.0.1:0",
        "leader-election": "false",
        "operator-namespace": home.namespace,
        namespaces: scene.namespace,
      };
      await using operator = startOperatorProcess(flags, program);
      let left = n;
      proxy.set({
        after: ({ isWrite }) => {
          if (isWrite && --left === 0) void operator.kill("SIGKILL");
          return left <= 0 ? "lost" : undefined;
        },
      });
      if (n === Infinity) await scene.reasonIs("lab", "Reconciling", "RollingOut");
      else await eventually(() => left <= 0, patience);
      expect(await operator.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    };

    const [whole] = await makeScenes(1);
    if (whole === undefined) throw new Error("no namespace");
    if (before !== undefined) await bring([whole], before);
    const kubeconfig = await grantsFor([whole], behind(cluster, proxy));
    await workUntil(Infinity, whole, kubeconfig);
    const writes = proxy.writes().length;
    expect(writes).toBeGreaterThanOrEqual(atLeast);

    const killed = await makeScenes(writes);
    if (before !== undefined) await bring(killed, before);
    else await grantsFor(killed);
    const held: Record<string, string>[] = [];
    for (const [index, scene] of killed.entries()) {
      await workUntil(index + 1, scene, kubeconfig);
      held.push(await heldSecrets(scene, "lab"));
    }
    await bring(killed, spec);

    const wanted = await endState(whole, "lab");
    for (const [index, scene] of killed.entries()) {
      const at = `killed at write ${index + 1}`;
      expect(await endState(scene, "lab"), at).toEqual(wanted);
      const now = await heldSecrets(scene, "lab");
      // What the work itself takes away is not in `now`, and was compared above.
      const kept = Object.entries(held[index] ?? {}).filter(([entry]) => entry in now);
      expect(now, at).toMatchObject(Object.fromEntries(kept));
    }
    expect(await madeTwice(cluster, ...killed)).toEqual([]);
  },
  600_000,
);
