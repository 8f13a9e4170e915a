import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { defineKinds, installCertificates, monitorKinds } from "../helpers/crds.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  type Rule,
  startTestOperator,
} from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  await newScene(cluster, "grants");
  await defineKinds(cluster, monitorKinds);
  await installCertificates(cluster);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const nameOf = ({ apiGroups, resources }: Rule): string =>
  `${resources.join(", ")}${apiGroups[0] === "" ? "" : ` of ${apiGroups[0]}`}`;

const rules = await chartRules("bridge-rules");

interface Lacking {
  readonly scene: Scene;
  readonly giveBack: () => Promise<void>;
  readonly operator: Awaited<ReturnType<typeof startTestOperator>>;
}

/** An operator with all rules but one, and a bridge for it. */
async function startWithout(rule: Rule): Promise<Lacking & AsyncDisposable> {
  const scene = await newScene(cluster, "grant");
  const { namespace } = scene;
  const kubeconfig = await operatorKubeConfig(cluster, [namespace]);
  await grantRules(
    cluster,
    namespace,
    rules.filter((other) => other !== rule),
  );
  const operator = await startTestOperator(cluster, [namespace], { kubeconfig });
  const isIssued = rule.apiGroups.includes("cert-manager.io");
  const spec: Spec = isIssued ? { ...smallest, tls: { issuerRef: { name: "company" } } } : smallest;
  await scene.applyBridge("lab", spec);
  return {
    scene,
    operator,
    giveBack: () => grantRules(cluster, namespace, rules),
    [Symbol.asyncDispose]: () => operator[Symbol.asyncDispose](),
  };
}

/** Without these no bridge can be told so. */
const silent = ["qrngbridges", "qrngbridges/status", "events"];
const isSilent = ({ resources }: Rule): boolean => silent.includes(resources[0] ?? "");

describe.concurrent("without a rule", () => {
  test.each(rules.filter((rule) => !isSilent(rule)).map((rule) => [nameOf(rule), rule] as const))(
    "%s the bridge says which verb on what is missing and what to add, and is healed by it",
    async (_, rule) => {
      await using lacking = await startWithout(rule);
      const { scene } = lacking;
      const message = await scene.reasonIs("lab", "Stalled", "MissingGrant");
      const [group = ""] = rule.apiGroups;
      const said = /may not (\S+) (\S+) in namespace (\S+): add to its Role there (\{.*\}),/.exec(
        message,
      );
      const [, verb = "", resource = "", namespace, fix = ""] = said ?? [];
      expect(rule.verbs).toContain(verb);
      expect(rule.resources.map((name) => (group === "" ? name : `${name}.${group}`))).toContain(
        resource,
      );
      expect(namespace).toBe(scene.namespace);
      expect(fix).toBe(
        `{apiGroups: ["${group}"], resources: ["${resource.split(".")[0]}"], verbs: ["${verb}"]}`,
      );
      await lacking.giveBack();
      await scene.reasonIs("lab", "Stalled", "NotStalled");
    },
    120_000,
  );

  test("for bridges /readyz and the log say so, and all is well with it", async () => {
    const rule = rules.find(({ resources }) => resources.includes("qrngbridges"));
    await using lacking = await startWithout(rule!);
    const { address } = lacking.operator.operator;
    const ready = async () => (await fetch(`http://${address.host}:${address.port}/readyz`)).status;
    await eventually(async () => (await ready()) === 503);
    expect(lacking.operator.log.text()).toContain("403 Forbidden");
    await lacking.giveBack();
    await lacking.scene.reasonIs("lab", "Stalled", "NotStalled");
    expect(await ready()).toBe(200);
  }, 120_000);

  test("for the status an event says so, and the bridge is applied all the same", async () => {
    const rule = rules.find(({ resources }) => resources.includes("qrngbridges/status"));
    await using lacking = await startWithout(rule!);
    const { scene } = lacking;
    const event = await eventually(async () =>
      (await scene.events()).find(({ reason }) => reason === "MissingGrant"),
    );
    expect(event.note).toContain(
      "may not patch qrngbridges/status.qrngbridge.io in namespace " + scene.namespace,
    );
    expect((await scene.owned("lab")).has("Deployment lab-gateway")).toBe(true);
    await lacking.giveBack();
    await scene.reasonIs("lab", "Stalled", "NotStalled");
  }, 120_000);

  test("for events they are dropped and counted, and nothing else lacks", async () => {
    const rule = rules.find(({ resources }) => resources.includes("events"));
    await using lacking = await startWithout(rule!);
    await lacking.scene.reasonIs("lab", "Stalled", "NotStalled");
    expect(await lacking.scene.events()).toEqual([]);
  }, 120_000);
});
