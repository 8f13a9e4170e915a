import { z } from "zod";
import type { Problem } from "./issues.ts";
import { nearest } from "./suggest.ts";

/** A problem's message, and for an unknown key what may have been meant by it. */
export function explain(problem: Problem, schema: z.ZodType, value: unknown): string {
  if (problem.message !== "unknown key") return problem.message;
  const key = String(problem.path.at(-1));
  const { known, elsewhere } = keysAt(schema, value, problem.path.slice(0, -1));
  const types = elsewhere.get(key);
  if (types !== undefined) return `has no function with this type, but with ${types.join(", ")}`;
  const suggestion = nearest(key, known);
  return suggestion === undefined ? "unknown key" : `unknown key; did you mean ${suggestion}?`;
}

interface Keys {
  readonly known: readonly string[];
  /** Keys of the union's other types, each with the names of these. */
  readonly elsewhere: ReadonlyMap<string, readonly string[]>;
}

const nowhere: Keys = { known: [], elsewhere: new Map() };

/** The keys that the schema knows at a path; of a union's types, the one that the value names. */
function keysAt(schema: z.ZodType, value: unknown, path: readonly PropertyKey[]): Keys {
  const inner = unwrap(schema);
  const [step, ...rest] = path;
  if (inner instanceof z.ZodDiscriminatedUnion && step === undefined) {
    return keysOfUnion(inner, value);
  }
  if (inner instanceof z.ZodObject) {
    if (step === undefined) return { ...nowhere, known: Object.keys(inner.shape) };
    const next: z.ZodType | undefined = inner.shape[String(step)];
    return next === undefined ? nowhere : keysAt(next, propertyOf(value, step), rest);
  }
  if (inner instanceof z.ZodArray && step !== undefined) {
    return keysAt(inner.element as z.ZodType, propertyOf(value, step), rest);
  }
  return nowhere;
}

function keysOfUnion(union: z.ZodDiscriminatedUnion, value: unknown): Keys {
  const chosen = propertyOf(value, union.def.discriminator);
  let known: readonly string[] = [];
  const elsewhere = new Map<string, string[]>();
  for (const { type, shape } of optionsOf(union)) {
    if (type === chosen) known = Object.keys(shape);
    else {
      for (const key of Object.keys(shape)) {
        elsewhere.set(key, [...(elsewhere.get(key) ?? []), type]);
      }
    }
  }
  return { known, elsewhere };
}

export interface UnionOption {
  /** What the union's discriminator says for it. */
  readonly type: string;
  readonly shape: Readonly<Record<string, z.ZodType>>;
}

/** The kinds of object that a union is one of. */
export function optionsOf(union: z.ZodDiscriminatedUnion): UnionOption[] {
  return union.options.flatMap((option) => {
    const inner = unwrap(option as z.ZodType);
    if (!(inner instanceof z.ZodObject)) return [];
    const shape = inner.shape as Record<string, z.ZodType>;
    const literal = shape[union.def.discriminator];
    return literal instanceof z.ZodLiteral ? [{ type: String(literal.value), shape }] : [];
  });
}

function propertyOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}

/** The object, array or union inside defaults, optionals, refinements and transforms. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPreprocess) return unwrap(schema.out as z.ZodType);
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema;
}
