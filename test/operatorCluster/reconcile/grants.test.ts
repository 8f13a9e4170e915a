import { beforeEach, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { fastScheduler } from "../helpers/fastTime.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  startTestOperator,
  type TestOperatorInit,
} from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

// Rights whose lack no bridge's status can tell; all others are in verbs.test.ts.

const rules = [...(await chartRules("bridge-rules")), ...(await chartRules("operator-rules"))];
let scene: Scene;
let kubeconfig: string;

beforeEach(async () => {
  scene = await newScene(await sharedControlPlane(), "grants");
  kubeconfig = await operatorKubeConfig(scene.cluster, [scene.namespace]);
});

const start = (init: TestOperatorInit = {}) =>
  startTestOperator(scene.cluster, [scene.namespace], { kubeconfig, ...init });

/** Takes a verb on a resource from the operator. */
async function take(verb: string, resource: string): Promise<void> {
  const left = rules.map((rule) =>
    rule.resources.includes(resource)
      ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) }
      : rule,
  );
  await grantRules(
    scene.cluster,
    scene.namespace,
    left.filter(({ verbs }) => verbs.length > 0),
  );
}

const giveBack = () => grantRules(scene.cluster, scene.namespace, rules);

test("without patch on the status an event says so, and the bridge is applied all the same", async () => {
  await take("patch", "qrngbridges/status");
  await using _ = await start();
  await scene.applyBridge("lab", smallest);
  const event = await eventually(
    async () => (await scene.events()).find(({ reason }) => reason === "MissingGrant"),
    60_000,
  );
  expect(event.note).toContain(
    `may not patch qrngbridges/status.qrngbridge.io in namespace ${scene.namespace}`,
  );
  expect((await scene.owned("lab")).has("Deployment lab-gateway")).toBe(true);
  await giveBack();
  await scene.reasonIs("lab", "Stalled", "NotStalled");
}, 120_000);

test("a namespace without a Role does not keep the operator from the others", async () => {
  const other = await newScene(scene.cluster, "grants-other");
  const watching = rules.filter(({ resources }) => !resources.includes("services"));
  await using running = await startTestOperator(scene.cluster, [scene.namespace, other.namespace], {
    kubeconfig,
  });
  for (const { applyBridge } of [scene, other]) await applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Stalled", "NotStalled");
  const { host, port } = running.operator.address;
  expect((await fetch(`http://${host}:${port}/readyz`)).status).toBe(503);
  expect((await other.owned("lab")).size).toBe(0);

  await grantRules(scene.cluster, other.namespace, watching, scene.namespace);
  await eventually(async () => {
    const { message = "" } = (await other.conditionOf("lab", "Stalled")) ?? {};
    return message.includes(`may not list services in namespace ${other.namespace}`);
  }, 120_000);
  expect((await scene.conditionOf("lab", "Stalled"))?.reason).toBe("NotStalled");
  await grantRules(scene.cluster, other.namespace, rules, scene.namespace);
  await other.reasonIs("lab", "Stalled", "NotStalled");
}, 300_000);

/** What could not be written is tried again each minute, a few times; here each three seconds. */
const fast = () => ({ scheduler: fastScheduler(20) });
const dropped = ["qrng_operator_events_total", 'outcome="dropped"'] as const;

test("without create on events they are dropped and counted, and nothing else lacks", async () => {
  await take("create", "events");
  await using operator = await start(fast());
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Stalled", "NotStalled");
  await eventually(async () => (await operator.metric(...dropped)) > 0, 60_000);
  expect(await scene.events()).toEqual([]);
  await giveBack();
  await scene.kubectl("delete", "service", "lab-push");
  await eventually(
    async () => (await scene.events()).some(({ reason }) => reason === "ObjectRestored"),
    60_000,
  );
}, 120_000);

test("without patch on events what comes again is dropped and counted", async () => {
  await take("patch", "events");
  await using operator = await start(fast());
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Stalled", "NotStalled");
  const restore = async (): Promise<void> => {
    await scene.kubectl("delete", "service", "lab-push");
    await eventually(() => scene.get("service", "lab-push"), 60_000);
  };
  const restored = async () =>
    (await scene.events()).find(({ reason }) => reason === "ObjectRestored");
  await restore();
  await eventually(restored, 60_000);
  const before = await operator.metric(...dropped);
  await restore();
  await eventually(async () => (await operator.metric(...dropped)) > before, 60_000);
  expect((await restored())?.series).toBeUndefined();
  await giveBack();
  await eventually(async () => {
    await restore();
    return (await scene.events()).some(({ series }) => series !== undefined);
  }, 60_000);
}, 180_000);

test.each(["get", "create", "update"])(
  "without %s on leases it does not lead, its log says so, and it does once it may",
  async (verb) => {
    const lease = { namespace: scene.namespace, name: "qrng-bridge-operator" };
    const options = { options: { lease } };
    const leads = '"message":"leads"';
    if (verb === "update") {
      // Of the one before there is a lease to take.
      await using operator = await start(options);
      await eventually(() => operator.log.text().includes(leads), 60_000);
    }
    await take(verb, "leases");
    await using operator = await start(options);
    const { log } = operator;
    await eventually(() => log.text().includes("lease cannot be read or written"), 60_000);
    expect(log.text()).toContain(`${verb} leases.coordination.k8s.io`);
    expect(log.text()).not.toContain(leads);
    await giveBack();
    await eventually(() => log.text().includes(leads), 60_000);
  },
  120_000,
);
