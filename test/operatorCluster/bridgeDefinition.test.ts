import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import {
  type BridgeInput,
  qrngBridge,
  type StoredBridge,
  storedBridge,
} from "../../operator/bridge/schema.ts";
import type { BridgeStatus } from "../../operator/bridge/status.ts";
import { applyYaml, createNamespace, installCrds } from "../cluster/objects.ts";
import { sharedControlPlane } from "../cluster/shared.ts";
import { bridgeInput } from "../operator/bridges.ts";
import { maximal } from "./helpers/maximal.ts";

const cluster = await sharedControlPlane();
const definition = "crds/qrngbridge.yaml";
await installCrds(cluster, [definition]);
const namespace = await createNamespace(cluster, "bridges");

const at = ["--namespace", namespace];
const bridge = (name: string, spec: BridgeInput["spec"] = bridgeInput().spec): string =>
  stringify({ ...bridgeInput(), metadata: { name }, spec });

async function get(name: string): Promise<StoredBridge> {
  return storedBridge.parse(
    JSON.parse(await cluster.kubectl(["get", "qb", name, ...at, "--output", "json"])),
  );
}

/** Writes the status as its owner does. */
async function writeStatus(name: string, status: BridgeStatus): Promise<void> {
  const patch = ["patch", "qb", name, ...at, "--subresource=status", "--type=merge"];
  await cluster.kubectl([...patch, "--patch", JSON.stringify({ status })]);
}

const since = "2026-01-02T03:04:05Z";
const status: BridgeStatus = {
  observedGeneration: 1,
  conditions: (["Ready", "EntropyFlowing", "OneWayVerified"] as const).map((type, index) => ({
    type,
    status: (["True", "False", "Unknown"] as const)[index]!,
    lastTransitionTime: since,
    reason: "Because",
    message: "that is how it is",
  })),
  endpoints: { api: "https://lab-gateway.physics:7764" },
  replicas: 3,
  readyReplicas: 2,
  selector: "qrngbridge.io/serving=true",
  signing: { keyId: "k-1", nextRotationTime: since },
  certificates: { notAfter: since, renewalTime: since },
  oneWayCheck: {
    completionTime: since,
    nextTime: since,
    families: ["IPv4"],
    nodes: 1,
    policiesHash: "0f3c",
    nodesHash: "9a1b",
  },
};

test("the definition is accepted without a reservation", async () => {
  const text = await cluster.kubectl(["get", "--filename", definition, "--output", "json"]);
  const conditions = (JSON.parse(text) as { status: { conditions: { type: string }[] } }).status
    .conditions;
  expect(conditions.map(({ type }) => type).sort()).toEqual(["Established", "NamesAccepted"]);
});

test("it fits into what kubectl apply without --server-side notes on an object", async () => {
  const apply = ["apply", "--dry-run=server", "--filename", definition];
  await expect(cluster.kubectl(apply)).resolves.toContain("configured (server dry run)");
});

test("a new bridge has the schema's defaults", async () => {
  await applyYaml(cluster, bridge("defaults"), { namespace });
  const { spec, status: nothing } = await get("defaults");
  expect(spec).toEqual(qrngBridge.parse(bridgeInput()).spec);
  expect(nothing).toEqual({});
});

test("a field that nobody knows is refused", async () => {
  const create = ["create", ...at, "--filename", "-"];
  const input = bridge("strange").replace("spec:", "spec:\n  sauces: []");
  await expect(cluster.kubectl(create, { input })).rejects.toThrow(`unknown field "spec.sauces"`);
});

test("the largest bridge is within the rules' budget", async () => {
  expect(qrngBridge.parse({ ...bridgeInput(), spec: maximal })).toBeDefined();
  const create = ["create", ...at, "--dry-run=server", "--filename", "-"];
  await expect(cluster.kubectl(create, { input: bridge("largest", maximal) })).resolves.toContain(
    "created (server dry run)",
  );
});

test("kubectl scale changes the gateways, and a scale shows what status says", async () => {
  await applyYaml(cluster, bridge("scaled"), { namespace });
  await writeStatus("scaled", status);
  await cluster.kubectl(["scale", "qb/scaled", ...at, "--replicas=5"]);
  expect((await get("scaled")).spec.gateway.replicas).toBe(5);
  const path = `/apis/qrngbridge.io/v1alpha1/namespaces/${namespace}/qrngbridges/scaled/scale`;
  expect(JSON.parse(await cluster.kubectl(["get", "--raw", path]))).toMatchObject({
    spec: { replicas: 5 },
    status: { replicas: 3, selector: "qrngbridge.io/serving=true" },
  });
});

test("rules hold for a scale too", async () => {
  const one = bridgeInput({ gateway: { replicas: 1, push: { acceptUnbound: true } } }).spec;
  await applyYaml(cluster, bridge("single", one), { namespace });
  await expect(cluster.kubectl(["scale", "qb/single", ...at, "--replicas=2"])).rejects.toThrow(
    "push.acceptUnbound needs replicas of at most 1",
  );
});

test("kubectl get shows how a bridge is", async () => {
  await applyYaml(cluster, bridge("shown"), { namespace });
  await writeStatus("shown", status);
  const [head = "", row = ""] = (await cluster.kubectl(["get", "qb", "shown", ...at])).split("\n");
  expect(head.split(/\s+/)).toEqual(
    ["NAME", "TOPOLOGY", "READY", "FLOWING", "ONE-WAY", "GATEWAYS", "AGE"].concat(
      head.endsWith(" ") ? [""] : [],
    ),
  );
  expect(row).toMatch(/^shown +InCluster +True +False +Unknown +2 +\d+s$/);
  expect(await cluster.kubectl(["get", "qrng", ...at, "--output", "name"])).toContain(
    "qrngbridge.qrngbridge.io/shown",
  );
});

describe("status", () => {
  test("is kept as it was written, and only by its own way", async () => {
    await applyYaml(cluster, bridge("told"), { namespace });
    await writeStatus("told", status);
    expect((await get("told")).status).toEqual(status);
    const patch = ["patch", "qb", "told", ...at, "--type=merge", "--patch"];
    await cluster.kubectl([...patch, JSON.stringify({ status: { replicas: 9 } })]);
    expect((await get("told")).status.replicas).toBe(3);
  });

  test("has no more conditions and no other values than the schema knows", async () => {
    await applyYaml(cluster, bridge("strict"), { namespace });
    const [ready] = status.conditions!;
    const wrong = { ...ready!, status: "Maybe" as "True" };
    await expect(writeStatus("strict", { conditions: [wrong] })).rejects.toThrow(
      'Unsupported value: "Maybe"',
    );
    await expect(writeStatus("strict", { conditions: [ready!, ready!] })).rejects.toThrow(
      "Duplicate value",
    );
  });
});

const examples = globSync("examples/{,flux/bridges/}*.yaml");
const bridges: string[] = [];
for (const file of examples) {
  const { kind } = parse(await readFile(file, "utf8")) as { kind?: string };
  if (kind === "QrngBridge") bridges.push(file);
}

test("there are examples of bridges", () => expect(bridges.length).toBeGreaterThan(3));

test.each(bridges)("%s is accepted", async (file) => {
  const input = await readFile(file, "utf8");
  expect(qrngBridge.safeParse(parse(input)).error).toBeUndefined();
  const create = ["create", ...at, "--dry-run=server", "--validate=strict", "--filename", file];
  await expect(cluster.kubectl(create)).resolves.toContain("created (server dry run)");
});

test("the reference's example is accepted", async () => {
  const text = await readFile("docs/qrngbridge.md", "utf8");
  const [, input = ""] = /```yaml\n([^`]*)```/.exec(text) ?? [];
  const create = ["create", ...at, "--dry-run=server", "--validate=strict", "--filename", "-"];
  await expect(cluster.kubectl(create, { input })).resolves.toContain("created (server dry run)");
});
