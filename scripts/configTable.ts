import { z } from "zod";
import { formatAddress, type Address } from "../common/config/fields.ts";
import { optionsOf, unwrap } from "../common/config/explain.ts";
import { formatDuration, formatSize } from "../common/config/units.ts";

/** A config field as its README describes it. */
export interface FieldRow {
  /** Dotted, such as `push.window.past` or `sources[].url`. */
  readonly path: string;
  readonly unit: string;
  readonly default: string;
  readonly range: string;
  readonly meaning: string;
}

/** Every field of a config schema, in the schema's order; groups stand for their fields. */
export function listFields(schema: z.ZodType, prefix = ""): FieldRow[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const group = unwrap(field);
    if (group instanceof z.ZodObject) return listFields(group, `${path}.`);
    const own = [describeField(path, field)];
    if (!(group instanceof z.ZodArray)) return own;
    const element = unwrap(group.element as z.ZodType);
    if (element instanceof z.ZodDiscriminatedUnion) {
      return [...own, ...listUnion(element, `${path}[].`)];
    }
    return [...own, ...listFields(element, `${path}[].`)];
  });
}

/** A row for each field of a union's types; several where types have it in different ways. */
function listUnion(union: z.ZodDiscriminatedUnion, prefix: string): FieldRow[] {
  const options = optionsOf(union);
  const names = new Set(options.flatMap(({ shape }) => Object.keys(shape)));
  return [...names].flatMap((name) => {
    const path = `${prefix}${name}`;
    const variants = options.flatMap(({ type, shape }) => {
      const field = shape[name];
      return field === undefined ? [] : [{ type, row: describeField(path, field) }];
    });
    const types = variants.map(({ type }) => type);
    const [first] = variants;
    if (name === union.def.discriminator && first !== undefined) {
      return [{ ...first.row, range: types.join(", ") }];
    }
    const same = Map.groupBy(variants, ({ row }) => JSON.stringify(row));
    const all = options.map(({ type }) => type);
    return [...same.values()].flatMap((group) => mergeVariants(group, all));
  });
}

/** One row for types that have a field alike; names them unless they are all. */
function mergeVariants(
  variants: readonly { readonly type: string; readonly row: FieldRow }[],
  all: readonly string[],
): FieldRow[] {
  const [first] = variants;
  if (first === undefined) return [];
  const types = variants.map(({ type }) => type);
  const others = all.filter((type) => !types.includes(type));
  if (others.length === 0) return [first.row];
  const which = others.length === 1 ? `all but ${others.join()}` : types.join(", ");
  return [{ ...first.row, meaning: `${which}: ${first.row.meaning}` }];
}

/** The rows as a markdown table. */
export function renderTable(rows: readonly FieldRow[]): string {
  const lines = rows.map((row) =>
    [`\`${row.path}\``, row.unit, row.default, row.range, row.meaning].map(escapeCell).join(" | "),
  );
  const head = ["| field | unit | default | range | meaning |", "| --- | --- | --- | --- | --- |"];
  return [...head, ...lines.map((line) => `| ${line} |`)].join("\n");
}

/** The text with what stands between the markers replaced by `table`. */
export function replaceTable(text: string, table: string): string {
  const [begin, end] = ["<!-- config:begin -->", "<!-- config:end -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`needs ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}

function describeField(path: string, field: z.ZodType): FieldRow {
  const unit = lookUp(field, "unit") ?? "";
  return {
    path,
    unit,
    default: showDefault(field, unit),
    range: lookUp(field, "range") ?? "",
    meaning: lookUp(field, "description") ?? "",
  };
}

/** What a field, or the first schema inside it that says so, is said to be. */
function lookUp(field: z.ZodType, name: "unit" | "range" | "description"): string | undefined {
  const value = field.meta()?.[name];
  if (typeof value === "string") return value;
  const inner = innerOf(field);
  return inner === undefined ? undefined : lookUp(inner, name);
}

function showDefault(field: z.ZodType, unit: string): string {
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault) {
    const value: unknown = field.def.defaultValue;
    if (typeof value === "number" && unit === "duration") return formatDuration(value);
    if (typeof value === "number" && unit === "size") return formatSize(value);
    if (typeof value === "object" && value !== null && "port" in value) {
      return formatAddress(value as Address);
    }
    return Array.isArray(value) && value.length === 0 ? "none" : String(value);
  }
  if (field instanceof z.ZodOptional) return "";
  const inner = innerOf(field);
  return inner === undefined ? "required" : showDefault(inner, unit);
}

function innerOf(field: z.ZodType): z.ZodType | undefined {
  if (field instanceof z.ZodPipe) return field.in as z.ZodType;
  if (
    field instanceof z.ZodOptional ||
    field instanceof z.ZodDefault ||
    field instanceof z.ZodPrefault
  ) {
    return field.unwrap() as z.ZodType;
  }
  return undefined;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
