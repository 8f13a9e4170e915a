import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { seededRandom } from "../../helpers/seededRandom.ts";
import { behind } from "../helpers/behind.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { endState, heldSecrets, madeTwice, undisturbed } from "../helpers/endState.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { startRelay } from "../helpers/relay.ts";
import { newScene } from "../helpers/scene.ts";

const withReplicas = (replicas: number): Spec => ({ ...smallest, gateway: { replicas } });

test("while all connections are cut at random, nothing is missed or made twice", async () => {
  const cluster = await sharedControlPlane();
  const wanted = await undisturbed(cluster, smallest, withReplicas(5));
  const scene = await newScene(cluster, "cut");
  await using relay = await startRelay(new URL(cluster.url));
  const through = behind(cluster, relay);
  await using operator = await startTestOperator(through, [scene.namespace]);

  const calm = new AbortController();
  const next = seededRandom(7);
  let cuts = 0;
  const cutting = (async () => {
    for (; !calm.signal.aborted; cuts++) {
      await delay(20 + 380 * next());
      relay.cut();
    }
  })();
  for (let replicas = 2; replicas <= 5; replicas++) {
    for (const name of ["lab", "two", "three"]) {
      await scene.applyBridge(name, withReplicas(replicas));
    }
  }
  await scene.kubectl("delete", "--ignore-not-found", "service", "two-gateway");
  await eventually(() => cuts > 20);
  calm.abort();
  await cutting;

  for (const name of ["lab", "two", "three"]) {
    await scene.reasonIs(name, "Reconciling", "RollingOut");
  }
  expect(await endState(scene, "lab")).toEqual(wanted);
  await eventually(async () => (await scene.owned("two")).size === (await scene.owned("lab")).size);

  // What happens while nobody looks is seen afterwards.
  const held = await heldSecrets(scene, "lab");
  relay.block();
  await scene.kubectl("delete", "service,deployment", "lab-gateway");
  await scene.kubectl(
    "label",
    "configmap",
    "lab-ca",
    "app.kubernetes.io/name=theirs",
    "--overwrite",
  );
  await operator.reconciledBy(async () => relay.pass());
  // Each kind is watched by itself, so that one change may be put right long before the other.
  await expect.poll(() => endState(scene, "lab"), { timeout: 60_000 }).toEqual(wanted);
  await operator.reconciled(0);
  expect(await endState(scene, "lab")).toEqual(wanted);
  expect(await heldSecrets(scene, "lab")).toEqual(held);
  const deleted = /^\S+: (services (lab|two)-gateway|deployments lab-gateway)$/;
  const twice = await madeTwice(cluster, scene);
  expect(twice.filter((object) => !deleted.test(object))).toEqual([]);
}, 180_000);
