import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { behind } from "../helpers/behind.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { atWrite } from "../helpers/disturbances.ts";
import {
  type EndState,
  endState,
  heldSecrets,
  madeTwice,
  undisturbed,
} from "../helpers/endState.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { startProxy } from "../helpers/proxy.ts";
import { newScene } from "../helpers/scene.ts";

const edited: Spec = { ...smallest, gateway: { replicas: 3 } };

let cluster: ControlPlane;
let wanted: EndState;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  wanted = await undisturbed(cluster, smallest, edited);
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** A bridge is made, with trouble from its n-th write on, and edited when that is over. */
async function makeWith(
  n: number,
  trouble: { begin: () => unknown; end: (log: () => string) => Promise<void> },
): Promise<void> {
  const scene = await newScene(cluster, "outage");
  await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
  await using operator = await startTestOperator(behind(cluster, proxy), [scene.namespace]);
  const begun = Promise.withResolvers<void>();
  const isIt = atWrite(n, () => begun.resolve(void trouble.begin()));
  proxy.set({ after: (request) => (isIt(request) ? "lost" : undefined) });
  await scene.applyBridge("lab", smallest);
  await begun.promise;
  await trouble.end(() => operator.log.text());
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  const held = await heldSecrets(scene, "lab");
  await scene.applyBridge("lab", edited);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect(await endState(scene, "lab")).toEqual(wanted);
  expect(await heldSecrets(scene, "lab")).toEqual(held);
  expect(await madeTwice(cluster, scene)).toEqual([]);
}

/** The last is that of the status: a new bridge takes 24. */
test.each([2, 13, 24])(
  "an API server that is killed at write %i and comes back finds the operator at work",
  async (n) => {
    let killed: Promise<void> | undefined;
    await makeWith(n, {
      begin: () => (killed = cluster.killApiServer()),
      end: async (log) => {
        await killed;
        await eventually(() => log().includes("does not follow"));
        await cluster.restartApiServer();
      },
    });
  },
  180_000,
);

test("with etcd paused, calls are given up, and what of them comes late does no harm", async () => {
  await makeWith(10, {
    begin: () => cluster.pauseEtcd(),
    end: async (log) => {
      await eventually(() => /ERR_API_(TIMEOUT|SERVER)/.test(log()), 90_000);
      cluster.resumeEtcd();
    },
  });
}, 240_000);
