import { beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { OwnedObject } from "../../operator/build/metadata.ts";
import type { ControlPlaneAccess } from "../cluster/access.ts";
import { createNamespace } from "../cluster/objects.ts";
import { sharedControlPlane } from "../cluster/shared.ts";
import { makeFacts, objectsOf } from "../operator/build/facts.ts";
import { type BuiltDeployment, ofKind } from "../operator/build/references.ts";
import { goldenNames, goldenSpecs } from "../operator/build/specs.ts";

/** The API server's own judgement of what is built, in a namespace that enforces `restricted`. */
let cluster: ControlPlaneAccess;
let namespace: string;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  namespace = await createNamespace(cluster, "built", {
    "pod-security.kubernetes.io/enforce": "restricted",
  });
  await cluster.kubectl(["create", "-f", "-"], {
    input: classes.map((each) => stringify(each)).join("---\n"),
  });
});

/** What pods name and no bridge makes; admission looks for them. */
const classes = [
  {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "important" },
    value: 7,
  },
  {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name: "gvisor" },
    handler: "runsc",
  },
];

/** Kinds that this API server lacks; other tests put them before their definitions. */
const absent = ["Certificate", "ServiceMonitor", "PrometheusRule"];

async function judge(objects: readonly object[], verb: readonly string[]): Promise<string[]> {
  const input = objects.map((object) => stringify(object)).join("---\n");
  const flags = ["--dry-run=server", "--validate=strict", "--output=name", "--filename=-"];
  const answer = await cluster.kubectl([...verb, ...flags], { input });
  return answer.trim().split("\n");
}

describe.each(goldenNames)("%s", (name) => {
  const build = (): readonly OwnedObject[] =>
    objectsOf(makeFacts(goldenSpecs[name], { namespace }));

  test("every object is accepted, field by field", async () => {
    const objects = build().filter(({ kind }) => !absent.includes(kind));
    const accepted = await judge(objects, [
      "apply",
      "--server-side",
      "--field-manager=qrng-bridge",
    ]);
    expect(accepted).toHaveLength(objects.length);
  });

  test("its pods are restricted", async () => {
    const templates = ofKind<BuiltDeployment>(build(), "Deployment").map(({ metadata, spec }) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...spec!.template.metadata, name: metadata.name, namespace },
      spec: spec!.template.spec,
    }));
    // Admission asks for the accounts.
    await apply(ofKind(build(), "ServiceAccount"));
    expect(await judge(templates, ["create"])).toHaveLength(templates.length);
  });
});

test("a pod that is not restricted is refused, so that the above shows something", async () => {
  const facts = makeFacts(goldenSpecs.smallest, { namespace });
  const [deployment] = ofKind<BuiltDeployment>(objectsOf(facts), "Deployment");
  const { metadata, spec } = structuredClone(deployment!.spec!.template);
  delete spec!.containers[0]!.securityContext!.capabilities;
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: "open", namespace },
    spec,
  };
  await apply(ofKind(objectsOf(facts), "ServiceAccount"));
  await expect(judge([pod], ["create"])).rejects.toThrow(
    /violates PodSecurity "restricted.*unrestricted capabilities/,
  );
});

test("a field that no kind has is refused", async () => {
  const [policy] = ofKind(
    objectsOf(makeFacts(goldenSpecs.smallest, { namespace })),
    "NetworkPolicy",
  );
  await expect(judge([{ ...policy, spek: {} }], ["create"])).rejects.toThrow(
    /unknown field "spek"/,
  );
});

async function apply(objects: readonly object[]): Promise<void> {
  const input = objects.map((object) => stringify(object)).join("---\n");
  await cluster.kubectl(["apply", "--server-side", "--filename=-"], { input });
}
