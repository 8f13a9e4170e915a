import { z } from "zod";
import type { FieldMeta } from "../../common/config/fields.ts";
import { keyIdPattern } from "../../common/keys/keyRing.ts";

/**
 * The kinds of a resource's fields beside numbers, flags and choices. As those, each carries what
 * the reference says of it; keys that begin with `x-kubernetes-` go into the resource definition.
 */
interface TextOptions {
  readonly min?: number;
  readonly max: number;
  readonly pattern: RegExp;
  /** What the pattern accepts, behind "must be". */
  readonly expected: string;
  readonly unit?: string;
}

export function text({ min = 1, max, pattern, expected, unit = "text" }: TextOptions) {
  return z
    .string()
    .min(min)
    .max(max)
    .regex(pattern, `must be ${expected}`)
    .meta({ unit, range: `${min} … ${max} characters` } satisfies FieldMeta);
}

export const namePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** The name of a part of a bridge. */
export const partName = () =>
  text({
    max: 40,
    pattern: namePattern,
    expected: "lower-case letters, digits and hyphens, starting with a letter",
    unit: "name",
  });

export const namespaceName = () =>
  text({
    max: 63,
    pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    expected: "lower-case letters, digits and hyphens",
    unit: "name",
  });

export const objectName = () =>
  text({
    max: 253,
    pattern: /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    expected: "lower-case letters, digits, hyphens and dots",
    unit: "name",
  });

/** A key of a ConfigMap or Secret. */
export const dataKey = () =>
  text({ max: 253, pattern: /^[-._A-Za-z0-9]+$/, expected: "of A-Z a-z 0-9 - . _", unit: "key" });

/** The key of a label or annotation, or what is named likewise. */
export const labelKey = () =>
  text({
    max: 317,
    pattern:
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/,
    expected: "a label's key, such as example.com/team",
    unit: "key",
  });

export const labelValue = () =>
  text({
    min: 0,
    max: 63,
    pattern: /^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$/,
    expected: "a label's value: letters, digits, and - . _ between them",
  });

interface Sizes {
  readonly min?: number;
  readonly max: number;
}

function listOf<Item extends z.ZodType>(item: Item, { min = 0, max }: Sizes, type: object) {
  return z
    .array(item)
    .min(min)
    .max(max)
    .meta({ unit: "list", range: `${min} … ${max}`, ...type } satisfies FieldMeta);
}

/** A list that is owned as a whole. */
export function list<Item extends z.ZodType>(item: Item, sizes: Sizes) {
  return listOf(item, sizes, { "x-kubernetes-list-type": "atomic" });
}

/** A list of values, none twice. */
export function set<Item extends z.ZodType<string | number>>(item: Item, sizes: Sizes) {
  return listOf(item, sizes, { "x-kubernetes-list-type": "set" }).superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      if (values.indexOf(value) === index) continue;
      context.addIssue({ code: "custom", path: [index], message: "is in the list already" });
    }
  });
}

/** A list of objects that are told apart by one of their fields. */
export function listBy<Key extends string, Item extends z.ZodType<Record<Key, string>>>(
  key: Key,
  item: Item,
  sizes: Sizes,
) {
  const type = { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] };
  return listOf(item, sizes, type).superRefine((values, context) => {
    const keys = values.map((value) => value[key]);
    for (const [index, value] of keys.entries()) {
      if (keys.indexOf(value) === index) continue;
      context.addIssue({
        code: "custom",
        path: [index, key],
        message: `another entry has the same ${key}`,
      });
    }
  });
}

/** An object with keys of the user's own. */
export function mapOf<Value extends z.ZodType>(value: Value, max: number) {
  return z
    .record(labelKey(), value)
    .refine((entries) => Object.keys(entries).length <= max, `must have at most ${max} entries`)
    .meta({ unit: "map", range: `0 … ${max}`, maxProperties: max } satisfies FieldMeta);
}

export const labels = () => mapOf(labelValue(), 32);

export const annotations = () =>
  mapOf(
    text({ min: 0, max: 4096, pattern: /^[^\0]*$/, expected: "text without the character 0" }),
    32,
  );

/** The id of a key, as rings have it. */
export const keyId = () =>
  text({ max: 64, pattern: keyIdPattern, expected: "of A-Z a-z 0-9 _ -", unit: "key id" });
