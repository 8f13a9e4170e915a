/**
 * A set of fields, as FieldsV1 has it: a field is named `f:<name>`, an item of a list with keys
 * `k:<keys as JSON>`, one of a set `v:<value as JSON>`, and what has parts itself `.`.
 * @see https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath
 */
export interface FieldSet {
  /** It has no parts: all that is inside belongs to it. */
  readonly isWhole: boolean;
  readonly fields: ReadonlyMap<string, FieldSet>;
  readonly items: readonly { readonly key: object; readonly fields: FieldSet }[];
  readonly values: ReadonlySet<unknown>;
}

/** @returns undefined for what is no set */
export function parseFieldSet(value: unknown): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  const fields = new Map<string, FieldSet>();
  const items: { key: object; fields: FieldSet }[] = [];
  const values = new Set<unknown>();
  const entries = Object.entries(value);
  for (const [name, part] of entries) {
    const [sort, rest] = [name.slice(0, 2), name.slice(2)];
    const parts = parseFieldSet(part);
    if (sort === "v:") values.add(JSON.parse(rest));
    if (parts === undefined) continue;
    if (sort === "f:") fields.set(rest, parts);
    if (sort !== "k:") continue;
    const key: unknown = JSON.parse(rest);
    if (isObject(key)) items.push({ key, fields: parts });
  }
  return { isWhole: entries.length === 0, fields, items, values };
}

/** Whether a set of fields holds all of a value's. */
export function covers(set: FieldSet | undefined, value: unknown): boolean {
  if (set === undefined) return false;
  if (set.isWhole) return true;
  if (Array.isArray(value)) return value.every((item) => coversItem(set, item));
  if (!isObject(value)) return true;
  return Object.entries(value).every(
    ([name, part]) => part === undefined || covers(set.fields.get(name), part),
  );
}

function coversItem({ items, values }: FieldSet, item: unknown): boolean {
  if (values.has(item)) return true;
  if (!isObject(item)) return false;
  return items.some(({ key, fields }) => {
    // A key that the item leaves out was filled in with its default.
    const isIt = Object.entries(key).every(([part, is]) => !(part in item) || item[part] === is);
    return isIt && covers(fields, item);
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
