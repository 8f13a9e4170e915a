import fc from "fast-check";
import { z } from "zod";
import { unwrap } from "../../../common/config/explain.ts";

/** What stands for a field, by its name, wherever the schema has it; undefined leaves it out. */
export type Overrides = Readonly<Record<string, fc.Arbitrary<unknown> | undefined>>;

/**
 * Values that a schema accepts, as far as single fields go; rules between fields are the caller's.
 * It knows the kinds of schemas that the bridge is made of, and fails on others.
 */
export function arbitraryOf(schema: z.ZodType, overrides: Overrides = {}): fc.Arbitrary<unknown> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return objects(inner.shape, overrides);
  if (inner instanceof z.ZodArray) return arrays(inner, overrides);
  if (inner instanceof z.ZodString) return strings(inner);
  if (inner instanceof z.ZodNumber) return integers(inner);
  if (inner instanceof z.ZodBoolean) return fc.boolean();
  if (inner instanceof z.ZodEnum) return fc.constantFrom(...inner.options);
  if (inner instanceof z.ZodUnion) {
    return fc.oneof(...inner.options.map((option) => arbitraryOf(option as z.ZodType, overrides)));
  }
  if (inner instanceof z.ZodRecord) {
    const [key, value] = [inner.keyType, inner.valueType] as [z.ZodType<string>, z.ZodType];
    const keys = arbitraryOf(key) as fc.Arbitrary<string>;
    return fc.dictionary(keys, arbitraryOf(value), { maxKeys: 3 });
  }
  throw new Error(`no arbitrary for ${inner.def.type}`);
}

type Shape = Readonly<Record<string, z.ZodType>>;

function objects(shape: Shape, overrides: Overrides): fc.Arbitrary<unknown> {
  const fields = Object.entries(shape).flatMap(([name, field]) => {
    if (!(name in overrides)) return [[name, arbitraryOf(field, overrides)] as const];
    const override = overrides[name];
    return override === undefined ? [] : [[name, override] as const];
  });
  const requiredKeys = fields
    .map(([name]) => name)
    .filter((name) => !shape[name]!.safeParse(undefined).success);
  return fc.record(Object.fromEntries(fields), { requiredKeys });
}

function arrays(schema: z.ZodArray, overrides: Overrides): fc.Arbitrary<unknown> {
  const minimum = checksOf(schema).find(({ check }) => check === "min_length")?.minimum ?? 0;
  const keys = schema.meta()?.["x-kubernetes-list-map-keys"] as string[] | undefined;
  return fc.uniqueArray(arbitraryOf(schema.element as z.ZodType, overrides), {
    minLength: minimum,
    maxLength: Math.max(minimum, 3),
    selector: (item) =>
      JSON.stringify(keys === undefined ? item : (item as Record<string, unknown>)[keys[0]!]),
  });
}

/** What a schema was given by `.min()`, `.regex()` and their like. */
function checksOf({ def }: z.ZodType): readonly Check[] {
  return (def.checks ?? []).map((check) => check._zod.def as Check);
}

interface Check {
  readonly check: string;
  readonly pattern?: RegExp;
  readonly minimum?: number;
}

function strings(schema: z.ZodString): fc.Arbitrary<string> {
  const pattern = checksOf(schema).find((check) => check.pattern !== undefined)?.pattern;
  const texts = pattern === undefined ? fc.string() : fc.stringMatching(pattern);
  return texts.filter((text) => schema.safeParse(text).success);
}

function integers({ minValue, maxValue }: z.ZodNumber): fc.Arbitrary<number> {
  const [min, max] = [minValue ?? 0, maxValue ?? Number.MAX_SAFE_INTEGER];
  return fc.maxSafeInteger().map((n) => min + (Math.abs(n) % (max - min + 1)));
}
