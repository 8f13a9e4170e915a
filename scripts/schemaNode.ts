import { z } from "zod";

/** A part of a zod schema as JSON Schema, with what its metadata says beside. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  /** False in a strict object, a schema in a map. */
  readonly additionalProperties?: SchemaNode | false;
  readonly anyOf?: readonly SchemaNode[];
  readonly maximum?: number;
  readonly default?: unknown;
  /** From here on metadata: see operator/bridge/fields.ts. */
  readonly unit?: string;
  readonly range?: string;
  readonly example?: unknown;
  /** What a field that is left out gets, where the schema has no default. */
  readonly fallback?: string;
  /** Several fields have this part; the reference describes it once. */
  readonly typeName?: string;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-validations"?: readonly Validation[];
  readonly [keyword: string]: unknown;
}

interface Validation {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** A schema as its users write values. */
export function toNode(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { io: "input" }) as SchemaNode;
}
