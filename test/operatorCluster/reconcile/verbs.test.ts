import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../cluster/controlPlane.ts";
import { eventually } from "../../helpers/eventually.ts";
import { smallest } from "../helpers/bridge.ts";
import { defineKinds, installCertificates, monitorKinds } from "../helpers/crds.ts";
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
// back. One bridge that owns an object of every kind stands for all; rules whose lack no bridge can
// be told are in grants.test.ts.

let cluster: ControlPlane;
let scene: Scene;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  scene = await newScene(cluster, "verbs");
  await defineKinds(cluster, monitorKinds);
  await installCertificates(cluster);
  kubeconfig = await operatorKubeConfig(cluster, [scene.namespace]);
  await scene.applyBridge("lab", { ...smallest, tls: { issuerRef: { name: "company" } } });
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
const titled = (all: readonly Right[]) =>
  all.map((right) => [right.verb, fullName(right), right] as const);

/** All rules without that right. */
function without({ rule, resource, verb }: Right): Rule[] {
  return rules.flatMap((each) => {
    if (each !== rule) return [each];
    const others = each.resources.filter((name) => name !== resource);
    const lesser = { ...each, resources: [resource], verbs: each.verbs.filter((v) => v !== verb) };
    return [...(others.length > 0 ? [{ ...each, resources: others }] : []), lesser];
  });
}

async function mayOperator({ group, resource, verb }: Right): Promise<boolean> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: `system:serviceaccount:${scene.namespace}:operator`,
      resourceAttributes: { namespace: scene.namespace, group, resource, verb },
    },
  };
  const args = ["create", "--filename=-", "--output=jsonpath={.status.allowed}"];
  return (await cluster.kubectl(args, { input: JSON.stringify(review) })) === "true";
}

async function take(right: Right): Promise<void> {
  await grantRules(cluster, scene.namespace, without(right));
  await eventually(async () => !(await mayOperator(right)), 60_000);
}

async function giveBack(right: Right): Promise<void> {
  await grantRules(cluster, scene.namespace, rules);
  await eventually(() => mayOperator(right), 60_000);
}

let looks = 0;
async function lookAgain(): Promise<void> {
  await scene.kubectl("annotate", "--overwrite", "qrngbridge", "lab", `example.com/n=${++looks}`);
}

async function expectStalled(right: Right): Promise<void> {
  const { verb, group, resource } = right;
  expect(await scene.reasonIs("lab", "Stalled", "MissingGrant")).toBe(
    `the operator may not ${verb} ${fullName(right)} in namespace ${scene.namespace}: ` +
      `add to its Role there {apiGroups: ["${group}"], resources: ["${resource}"], ` +
      `verbs: ["${verb}"]}, as the chart has it`,
  );
}

async function expectHealed(right: Right): Promise<void> {
  await giveBack(right);
  // It looks by itself within ten seconds; sixty times that is too long here.
  await eventually(async () => {
    await lookAgain();
    return (await scene.conditionOf("lab", "Stalled"))?.reason === "NotStalled";
  }, 60_000);
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
const provoke: Readonly<Record<string, (kind: string, name: string) => Promise<unknown>>> = {
  // Without its label it is not watched, and who it belongs to has to be asked for.
  get: (kind, name) => scene.kubectl("label", kind, name, "qrngbridge.io/bridge-"),
  create: (kind, name) => scene.kubectl("delete", kind, name),
  patch: (kind, name) => scene.kubectl("label", "--overwrite", kind, name, `${component}=x`),
  delete: async (kind, name) => {
    const found = await scene.get(kind, name);
    const { labels, ownerReferences } = found?.metadata ?? {};
    const unwanted = { ...found, metadata: { name: "lab-unwanted", labels, ownerReferences } };
    await cluster.kubectl(["create", "--namespace", scene.namespace, "--filename=-"], {
      input: JSON.stringify(unwanted),
    });
  },
};

describe("an operator at work", () => {
  let operator: TestOperator;
  beforeAll(async () => {
    operator = await startTestOperator(cluster, [scene.namespace], { kubeconfig });
    await scene.reasonIs("lab", "Stalled", "NotStalled");
  });
  afterAll(() => operator[Symbol.asyncDispose]());

  const own = rights.filter(({ resource, verb }) => resource in objects && verb in provoke);

  test("all kinds and verbs are in here", () => {
    expect(own).toHaveLength(Object.keys(objects).length * Object.keys(provoke).length);
  });

  test.each(titled(own))("without %s on %s", async (verb, kind, right) => {
    const name = objects[right.resource] ?? "";
    await take(right);
    await provoke[verb]?.(kind, name);
    await lookAgain();
    await expectStalled(right);
    await expectHealed(right);
    await eventually(async () => {
      const found = await scene.get(kind, name);
      const labels = found?.metadata.labels ?? {};
      const isWhole = labels["qrngbridge.io/bridge"] === "lab" && labels[component] !== "x";
      return isWhole && (await scene.get(kind, "lab-unwanted")) === undefined;
    }, 60_000);
  });
});

describe("an operator that starts", () => {
  const watched = rights.filter(({ verb }) => verb === "list" || verb === "watch");
  const isTold = ({ resource }: Right): boolean => resource !== "qrngbridges";

  test.each(titled(watched.filter(isTold)))("without %s on %s", async (_, __, right) => {
    await take(right);
    await using _operator = await startTestOperator(cluster, [scene.namespace], { kubeconfig });
    await expectStalled(right);
    await expectHealed(right);
  });

  test.each(titled(watched.filter((right) => !isTold(right))))(
    "without %s on %s it is not ready, and its log says why",
    async (verb, kind, right) => {
      await take(right);
      await using running = await startTestOperator(cluster, [scene.namespace], { kubeconfig });
      const { host, port } = running.operator.address;
      const ready = async () => (await fetch(`http://${host}:${port}/readyz`)).status;
      await eventually(async () => (await ready()) === 503, 60_000);
      expect(running.log.text()).toContain(`${verb} ${kind}`);
      await giveBack(right);
      await eventually(async () => (await ready()) === 200, 60_000);
    },
  );
});
