import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { defineKinds, installCertificates, monitorKinds } from "../helpers/crds.ts";
import { fastScheduler } from "../helpers/fastTime.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  type Rule,
  startTestOperator,
  type TestOperator,
} from "../helpers/operator.ts";
import { newScene, type Scene } from "../helpers/scene.ts";

// Each verb of each rule is taken away in turn, something is done that needs it, and it is given
// back. Each resource has a bridge that owns an object of every kind, in a namespace with an operator
// and a Role of its own, so that several go at a time. Rules whose lack no bridge can be told are in
// grants.test.ts, those of the one-way check in ../oneWay/grants.test.ts.

let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  await defineKinds(cluster, monitorKinds);
  await installCertificates(cluster);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const rules = await chartRules("bridge-rules");

/** One resource and one verb of a rule. */
interface Right {
  readonly rule: Rule;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

const rights = rules.flatMap((rule): Right[] =>
  rule.resources.flatMap((resource) =>
    rule.verbs.map((verb) => ({ rule, group: rule.apiGroups[0] ?? "", resource, verb })),
  ),
);

const fullName = ({ resource, group }: Right): string =>
  group === "" ? resource : `${resource}.${group}`;

/** All rules without that right. */
function without({ rule, resource, verb }: Right): Rule[] {
  return rules.flatMap((each) => {
    if (each !== rule) return [each];
    const others = each.resources.filter((name) => name !== resource);
    const lesser = { ...each, resources: [resource], verbs: each.verbs.filter((v) => v !== verb) };
    return [...(others.length > 0 ? [{ ...each, resources: others }] : []), lesser];
  });
}

/** A namespace with a bridge, and what its operator may do there. */
interface Stage extends Scene {
  start(): Promise<TestOperator>;
  take(right: Right): Promise<void>;
  giveBack(right: Right): Promise<void>;
}

/** What waits for a right looks again within ten seconds; here within two. */
const haste = 5;

async function newStage(): Promise<Stage> {
  const scene = await newScene(cluster, "verbs");
  const { namespace } = scene;
  const kubeconfig = await operatorKubeConfig(cluster, [namespace]);
  await scene.applyBridge("lab", { ...smallest, tls: { issuerRef: { name: "company" } } });

  const mayOperator = async ({ group, resource, verb }: Right): Promise<boolean> => {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: `system:serviceaccount:${namespace}:operator`,
        resourceAttributes: { namespace, group, resource, verb },
      },
    };
    const args = ["create", "--filename=-", "--output=jsonpath={.status.allowed}"];
    return (await cluster.kubectl(args, { input: JSON.stringify(review) })) === "true";
  };
  return {
    ...scene,
    start: () => {
      const scheduler = fastScheduler(haste);
      return startTestOperator(cluster, [namespace], { kubeconfig, scheduler });
    },
    take: async (right) => {
      await grantRules(cluster, namespace, without(right));
      await eventually(async () => !(await mayOperator(right)), 60_000);
    },
    giveBack: async (right) => {
      await grantRules(cluster, namespace, rules);
      await eventually(() => mayOperator(right), 60_000);
    },
  };
}

async function expectStalled({ namespace, reasonIs }: Stage, right: Right): Promise<void> {
  const { verb, group, resource } = right;
  expect(await reasonIs("lab", "Stalled", "MissingGrant")).toBe(
    `the operator may not ${verb} ${fullName(right)} in namespace ${namespace}: ` +
      `add to its Role there {apiGroups: ["${group}"], resources: ["${resource}"], ` +
      `verbs: ["${verb}"]}, as the chart has it`,
  );
}

/** By itself: nothing else happens to the bridge. */
async function expectHealed(stage: Stage, right: Right): Promise<void> {
  await stage.giveBack(right);
  await stage.reasonIs("lab", "Stalled", "NotStalled");
}

/** An object of each resource that the bridge owns. */
const objects: Readonly<Record<string, string>> = {
  secrets: "lab-key-hashes",
  configmaps: "lab-collector-config",
  serviceaccounts: "lab-gateway",
  services: "lab-push",
  deployments: "lab-gateway",
  networkpolicies: "lab-gateway",
  poddisruptionbudgets: "lab-gateway",
  certificates: "lab-gateway-issued",
  servicemonitors: "lab-management",
  prometheusrules: "lab-management",
};

const component = "app.kubernetes.io/component";

/** Does what takes a verb of the operator. */
const provoke: Readonly<
  Record<string, (scene: Scene, kind: string, name: string) => Promise<unknown>>
> = {
  // Without its label it is not watched, and who it belongs to has to be asked for.
  get: ({ kubectl }, kind, name) => kubectl("label", kind, name, "qrngbridge.io/bridge-"),
  create: ({ kubectl }, kind, name) => kubectl("delete", kind, name),
  patch: ({ kubectl }, kind, name) => kubectl("label", "--overwrite", kind, name, `${component}=x`),
  delete: async ({ get, namespace }, kind, name) => {
    const found = await get(kind, name);
    const { labels, ownerReferences } = found?.metadata ?? {};
    const unwanted = { ...found, metadata: { name: "lab-unwanted", labels, ownerReferences } };
    await cluster.kubectl(["create", "--namespace", namespace, "--filename=-"], {
      input: JSON.stringify(unwanted),
    });
  },
};

const isWatching = ({ verb }: Right): boolean => verb === "list" || verb === "watch";
const isWorking = ({ resource, verb }: Right): boolean => resource in objects && verb in provoke;

/** Each to an operator that starts without it. */
async function takeWatching(stage: Stage, resource: string): Promise<void> {
  for (const right of rights.filter((each) => each.resource === resource && isWatching(each))) {
    await stage.take(right);
    await using _ = await stage.start();
    await expectStalled(stage, right);
    await expectHealed(stage, right);
  }
}

/** Each from an operator at work. */
async function takeWorking(stage: Stage, resource: string): Promise<void> {
  const name = objects[resource] ?? "";
  await using _ = await stage.start();
  await stage.reasonIs("lab", "Stalled", "NotStalled");
  for (const right of rights.filter((each) => each.resource === resource && isWorking(each))) {
    await stage.take(right);
    await provoke[right.verb]?.(stage, resource, name);
    // A label that is gone is told of by no watch.
    await stage.kubectl("annotate", "--overwrite", "qrngbridge", "lab", `a.example/${right.verb}=`);
    await expectStalled(stage, right);
    await expectHealed(stage, right);
    await eventually(async () => {
      const labels = (await stage.get(resource, name))?.metadata.labels ?? {};
      const isWhole = labels["qrngbridge.io/bridge"] === "lab" && labels[component] !== "x";
      return isWhole && (await stage.get(resource, "lab-unwanted")) === undefined;
    }, 60_000);
  }
}

test("all rules are in here, but for those of status, events and the one-way check", () => {
  const told = rights.filter((right) => isWatching(right) || isWorking(right));
  const others = rights.filter((right) => !told.includes(right));
  expect(others.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([
    "patch qrngbridges/status",
    "create pods",
    "patch pods",
    "delete pods",
    "create events",
    "patch events",
  ]);
  expect(told).toHaveLength(Object.keys(objects).length * 6 + 4);
});

describe.concurrent("without each verb in turn", () => {
  test.each(["pods", ...Object.keys(objects)])(
    "on %s the bridge says what lacks, and goes on by itself when it is given",
    async (resource) => {
      const stage = await newStage();
      await takeWatching(stage, resource);
      if (resource in objects) await takeWorking(stage, resource);
    },
    600_000,
  );

  test.each(rights.filter(({ resource }) => resource === "qrngbridges"))(
    "$verb on $resource it is not ready, and its log says why",
    async (right) => {
      const stage = await newStage();
      await stage.take(right);
      await using running = await stage.start();
      const { host, port } = running.operator.address;
      const ready = async () => (await fetch(`http://${host}:${port}/readyz`)).status;
      await eventually(async () => (await ready()) === 503, 60_000);
      await eventually(() => running.log.text().includes(`${right.verb} qrngbridges`), 60_000);
      await stage.giveBack(right);
      await eventually(async () => (await ready()) === 200, 60_000);
    },
    180_000,
  );
});
