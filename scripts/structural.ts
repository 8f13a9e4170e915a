import type { z } from "zod";
import { type SchemaNode, toNode } from "./schemaNode.ts";

/** A node of an OpenAPI v3 schema, as resource definitions have them. */
export interface StructuralSchema {
  readonly [keyword: string]: unknown;
}

/** What is the same in JSON Schema and in a resource definition. */
const keptKeywords = [
  "type",
  "format",
  "enum",
  "default",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "maxProperties",
  "required",
] as const;

/**
 * A zod schema as a structural schema (Kubernetes: "Extend the API with CustomResourceDefinitions").
 * Unknown fields are not forbidden there, but pruned, or refused by strict field validation.
 */
export function toStructural(schema: z.ZodType): StructuralSchema {
  return convert(toNode(schema));
}

function convert(node: SchemaNode): StructuralSchema {
  const { properties, items, additionalProperties } = node;
  return withoutUndefined({
    description: describe(node),
    ...Object.fromEntries(keptKeywords.map((key) => [key, node[key]])),
    ...(node.type === "integer" && { format: integerFormat(node) }),
    ...(node["x-kubernetes-int-or-string"] === true && intOrString(node)),
    properties: properties && mapValues(properties, convert),
    items: items && convert(items),
    additionalProperties: additionalProperties ? convert(additionalProperties) : undefined,
    ...Object.fromEntries(Object.entries(node).filter(([key]) => key.startsWith("x-kubernetes-"))),
  });
}

function integerFormat({ maximum = Infinity }: SchemaNode): string {
  return maximum < 2 ** 31 ? "int32" : "int64";
}

/** Of the two schemas only the text's has something to add, and it may stand beside both types. */
function intOrString({ anyOf = [] }: SchemaNode): StructuralSchema {
  const { pattern, maxLength } = anyOf.find(({ type }) => type === "string") ?? {};
  return { anyOf: anyOf.map(({ type }) => ({ type })), pattern, maxLength };
}

/** `Data of one fetch. Unit: bytes. Left out: 65536. Example: 4096` */
function describe({ type, description, unit, fallback, example }: SchemaNode): string | undefined {
  if (description === undefined) return undefined;
  const parts = [description.charAt(0).toUpperCase() + description.slice(1)];
  if (type === "integer" && unit !== undefined) parts.push(`Unit: ${unit}`);
  if (fallback !== undefined) parts.push(`Left out: ${fallback}`);
  if (example !== undefined) {
    parts.push(`Example: ${typeof example === "string" ? example : JSON.stringify(example)}`);
  }
  return parts.join(". ");
}

function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function withoutUndefined(node: StructuralSchema): StructuralSchema {
  return Object.fromEntries(Object.entries(node).filter(([, value]) => value !== undefined));
}
