import { describe, expect, test } from "vitest";
import { z } from "zod";
import { storedBridge } from "../../operator/bridge/schema.ts";
import { describeFields } from "../../scripts/resourceReference.ts";
import { toNode, type SchemaNode } from "../../scripts/schemaNode.ts";
import { toStructural, type StructuralSchema } from "../../scripts/structural.ts";

interface Field {
  readonly path: string;
  readonly node: SchemaNode;
}

/** Every part of a schema, the entries of lists and maps too. */
function fieldsOf(node: SchemaNode, path: string): Field[] {
  const { properties = {}, items, additionalProperties } = node;
  return [
    { path, node },
    ...Object.entries(properties).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`)),
    ...(items === undefined ? [] : fieldsOf(items, `${path}[]`)),
    ...(additionalProperties ? fieldsOf(additionalProperties, `${path}{}`) : []),
  ];
}

const written = toNode(z.object(storedBridge.shape).pick({ spec: true, status: true }));
const named = fieldsOf(written, "").filter(({ path }) => /\w$/.test(path));
const structural = fieldsOf(toStructural(storedBridge.shape.spec), "spec").concat(
  fieldsOf(toStructural(storedBridge.shape.status), "status"),
);

/** What is missing for a bound, so that the API server can estimate what rules cost. */
function unbounded(node: SchemaNode): string[] {
  const needed: Record<string, readonly string[]> = {
    integer: ["minimum", "maximum", "format"],
    array: ["maxItems", "x-kubernetes-list-type"],
    string: "enum" in node || node["format"] === "date-time" ? [] : ["maxLength", "pattern"],
    object: "additionalProperties" in node ? ["maxProperties"] : ["properties"],
    boolean: [],
  };
  const kind = node["x-kubernetes-int-or-string"] === true ? "string" : (node.type ?? "none");
  const missing = needed[kind]?.filter((keyword) => node[keyword] === undefined);
  return missing ?? [`no type that a resource may have: ${kind}`];
}

test("every field is bounded and has a type that the API allows", () => {
  expect(structural.length).toBeGreaterThan(300);
  const missing = structural.map(({ path, node }) => [path, ...unbounded(node)].join(": "));
  expect(missing.filter((line) => line.includes(": "))).toEqual([]);
});

describe("what a field's metadata says", () => {
  test("every field has a meaning", () => {
    expect(named.filter(({ node }) => node.description === undefined)).toEqual([]);
  });

  test("every value has an example", () => {
    const isValue = ({ type, items, properties }: SchemaNode): boolean =>
      type === "array" ? items?.properties === undefined : type !== "object" || !properties;
    const bare = named.filter(({ node }) => isValue(node) && node.example === undefined);
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  test("no example is one that its field refuses", () => {
    const examples = examplesOf(storedBridge);
    expect(examples.length).toBeGreaterThan(100);
    const refused = examples.filter(({ field, example }) => !field.safeParse(example).success);
    expect(refused.map(({ path }) => path)).toEqual([]);
  });
});

interface Example {
  readonly path: string;
  readonly field: z.ZodType;
  readonly example: unknown;
}

function examplesOf(schema: z.ZodType, path = ""): Example[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, field]) => [
      ...ownExample(field, `${path}.${name}`),
      ...examplesOf(field, `${path}.${name}`),
    ]);
  }
  if (schema instanceof z.ZodArray) return examplesOf(schema.element as z.ZodType, `${path}[]`);
  return isWrapper(schema) ? examplesOf(schema.unwrap() as z.ZodType, path) : [];
}

function ownExample(field: z.ZodType, path: string): Example[] {
  const { example } = field.meta() ?? {};
  return example === undefined ? [] : [{ path, field, example }];
}

function isWrapper(schema: z.ZodType) {
  return (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  );
}

test("descriptions say unit, default and example", () => {
  const find = (path: string): StructuralSchema | undefined =>
    structural.find((field) => field.path === path)?.node;
  expect(find("spec.collector.maxAgeSeconds")?.["description"]).toBe(
    "Bytes older than this are dropped and counted. Unit: seconds. Left out: 300. Example: 300",
  );
  expect(find("spec.sources[].minEntropyMillibitsPerByte")).toMatchObject({ default: 7900 });
});

test("the reference has a row for every field", () => {
  const rows = describeFields();
  const names = named.map(({ path }) => path.split(/\.|\[\]|\{\}/).at(-1) ?? "");
  expect([...new Set(names)].filter((name) => !new RegExp(`[\`.]${name}\``).test(rows))).toEqual([
    "spec",
  ]);
});
