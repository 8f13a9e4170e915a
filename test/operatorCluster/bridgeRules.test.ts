import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type BridgeInput, qrngBridge } from "../../operator/bridge/schema.ts";
import { installCrds } from "../cluster/objects.ts";
import { sharedControlPlane } from "../cluster/shared.ts";
import { bridgeInput } from "../operator/bridges.ts";
import { ruleExamples } from "../operator/ruleExamples.ts";
import { createDryRun } from "./helpers/dryRun.ts";

type Spec = BridgeInput["spec"];

const cluster = await sharedControlPlane();
await installCrds(cluster, ["crds/qrngbridge.yaml"]);
const server = await createDryRun(cluster);
afterAll(() => server[Symbol.dispose]());

const bridge = (spec: Spec): BridgeInput => ({
  ...bridgeInput(),
  metadata: { name: "lab" },
  spec,
});

describe.each(ruleExamples)("$name", ({ accepted, refused, message }) => {
  test("is accepted, with the schema's defaults", async () => {
    const input = bridge(accepted);
    expect(await server.judge(input)).toMatchObject({
      stored: { spec: qrngBridge.parse(input).spec },
    });
  });

  test("is refused for the rule's reason", async () => {
    expect(await server.judge(bridge(refused))).toEqual({
      refusal: expect.stringContaining(`: ${message}`),
    });
  });
});

/** The rules anywhere in a definition. */
function rulesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]): string[] =>
    name === "x-kubernetes-validations"
      ? (part as { rule: string }[]).map(({ rule }) => rule)
      : rulesIn(part),
  );
}

test("every rule of the definition is above, but that of names, which is below", async () => {
  const rules = rulesIn(parse(await readFile("crds/qrngbridge.yaml", "utf8")));
  const examples = new Set(ruleExamples.map(({ cel }) => cel));
  expect(rules.length).toBeGreaterThan(50);
  expect(rules.filter((rule) => !examples.has(rule))).toEqual([
    expect.stringContaining("self.metadata.name"),
  ]);
});

const names: [string, boolean][] = [
  ["a", true],
  ["a".repeat(40), true],
  ["a-1", true],
  ["a".repeat(41), false],
  ["1lab", false],
  ["a.b", false],
];

test.each(names)("the name %s is accepted: %s", async (name, expected) => {
  const input = { ...bridge({ sources: ruleExamples[0]!.accepted.sources }), metadata: { name } };
  expect(qrngBridge.safeParse(input).success).toBe(expected);
  expect(await server.judge(input)).toEqual(
    expected
      ? { stored: expect.anything() }
      : { refusal: expect.stringContaining("must be lower-case letters, digits and hyphens") },
  );
});

const keyIds: [string, boolean][] = [
  ["config-bound", true],
  ["7f3a_B", true],
  ["7f.3a", false], // no ring has such an id, so it could revoke nothing
  ["", false],
  ["k".repeat(65), false],
];

test.each(keyIds)("the key id %j to revoke is accepted: %s", async (id, expected) => {
  const { sources } = ruleExamples[0]!.accepted;
  const input = bridge({ sources, signing: { revokedKeyIds: [id] } });
  expect(qrngBridge.safeParse(input).success).toBe(expected);
  expect("stored" in (await server.judge(input))).toBe(expected);
});

/** Objects field by field, all else as in the second. */
function merge(one: unknown, two: unknown): unknown {
  if (!isPlain(one) || !isPlain(two)) return two;
  const shared = Object.keys(two).map((key) => [
    key,
    key in one ? merge(one[key], two[key]) : two[key],
  ]);
  return { ...one, ...(Object.fromEntries(shared) as object) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

test("both judges agree on any mixture of the examples", async () => {
  const specs = ruleExamples.flatMap(({ accepted, refused }) => [accepted, refused]);
  const mixture = fc
    .array(fc.constantFrom(...specs), { minLength: 2, maxLength: 3 })
    .map((parts) => parts.reduce((sum, part) => merge(sum, part) as Spec));
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(mixture, async (spec) => {
      const input = bridge(spec);
      const { success } = qrngBridge.safeParse(input);
      const verdict = await server.judge(input);
      expect("stored" in verdict, JSON.stringify(verdict)).toBe(success);
      seen[success ? "accepted" : "refused"]++;
    }),
    { numRuns: 500 },
  );
  expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(50); // else this shows little
});

test("what the schema takes as a URL, the API server takes", async () => {
  const url = fc.webUrl({ validSchemes: ["https"], withQueryParameters: true, size: "medium" });
  const egress = { to: [{ podSelector: {} }] };
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(url, async (text) => {
      const input = bridge({ sources: [{ name: "a", type: "HttpBytes", url: text, egress }] });
      if (!qrngBridge.safeParse(input).success) return;
      taken++;
      expect(await server.judge(input)).toHaveProperty("stored");
    }),
    { numRuns: 200 },
  );
  expect(taken).toBeGreaterThan(100); // else this shows little
});
