import type { z } from "zod";

/**
 * What fields together have to say, once for both who judge it: the API server by the CEL
 * expression, and the programs of this project by the predicate. Tests put the same objects before
 * both.
 */
export interface Rule<Value> {
  /** `self` is the value that the rule stands at, with its defaults. */
  readonly cel: string;
  /** As `cel`. */
  readonly holds: (self: Value) => boolean;
  /** What has to be, or what to do. */
  readonly message: string;
  /** The field inside the value that is to blame, where it is one. */
  readonly path?: readonly string[];
}

/** By a name for tests. */
export type Rules<Value> = Readonly<Record<string, Rule<Value>>>;

/** The schema with rules on its value, which the generated resource definition gets as well. */
export function withRules<Schema extends z.ZodType>(
  schema: Schema,
  rules: Rules<z.output<Schema>>,
): Schema {
  return schema
    .superRefine((value, context) => {
      for (const { holds, message, path = [] } of Object.values(rules)) {
        if (!holds(value)) context.addIssue({ code: "custom", path: [...path], message });
      }
    })
    .meta({ "x-kubernetes-validations": Object.values(rules).map(celRule) });
}

function celRule({ cel, message, path }: Omit<Rule<never>, "holds">) {
  // The API server knows no fields of metadata to point at.
  const isPointed = path !== undefined && path[0] !== "metadata";
  const field = isPointed ? { fieldPath: `.${path.join(".")}` } : {};
  return { rule: cel, message, ...field };
}
