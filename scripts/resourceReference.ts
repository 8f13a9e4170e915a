import { storedBridge } from "../operator/bridge/schema.ts";
import { type SchemaNode, toNode } from "./schemaNode.ts";

/** A part of the reference: a group of fields, or a type that several fields have. */
interface Section {
  readonly title: string;
  readonly rows: readonly string[];
}

type Types = Map<string, SchemaNode>;

/** The markdown of every field of a QrngBridge, and of the rules between fields. */
export function describeFields(): string {
  const bridge = toNode(storedBridge);
  const { spec = {}, status = {} } = bridge.properties ?? {};
  const types: Types = new Map();
  const fields = [
    ...groupsOf(spec, types),
    { title: "status", rows: rowsOf(status, "status.", types) },
  ];
  const tables = [...fields, ...typesOf(types)].map(({ title, rows }) =>
    [`### ${title}`, [...head, ...rows].join("\n")].join("\n\n"),
  );
  const rules = [bridge, ...types.values()].flatMap((node) => rulesOf(node, node.typeName ?? ""));
  return [...tables, "### Rules between fields", rules.join("\n")].join("\n\n");
}

const head = [
  "| field | unit | default | bounds | meaning | example |",
  "| --- | --- | --- | --- | --- | --- |",
];

/** What is inside a field: an object's own fields, or those of a list's entries. */
function insideOf(field: SchemaNode): { readonly inside: SchemaNode; readonly suffix: string } {
  return field.items === undefined
    ? { inside: field, suffix: "" }
    : { inside: field.items, suffix: "[]" };
}

/** The fields right in the spec, and a section for each that has fields of its own. */
function groupsOf({ properties = {} }: SchemaNode, types: Types): Section[] {
  const fields = Object.entries(properties);
  const groups = fields.flatMap(([name, field]) => {
    const { inside, suffix } = insideOf(field);
    const rows = rowsOf(inside, `${name}${suffix}.`, types);
    return rows.length === 0 ? [] : [{ title: `spec.${name}`, rows }];
  });
  return [{ title: "spec", rows: fields.map(([name, field]) => rowOf(name, field)) }, ...groups];
}

/** A row for each field in a node, at any depth; those of named types are collected instead. */
function rowsOf({ properties = {}, required }: SchemaNode, prefix: string, types: Types): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const row = rowOf(path, field, required?.includes(name));
    const { inside, suffix } = insideOf(field);
    if (inside.typeName === undefined) return [row, ...rowsOf(inside, `${path}${suffix}.`, types)];
    types.set(inside.typeName, inside);
    return [row];
  });
}

/** Sections for the named types, of which one may lead to another. */
function typesOf(types: Types): Section[] {
  const sections: Section[] = [];
  // A Map's iterator also visits what is added meanwhile.
  for (const [title, node] of types) sections.push({ title, rows: rowsOf(node, "", types) });
  return sections;
}

function rowOf(path: string, field: SchemaNode, required = false): string {
  const { typeName } = insideOf(field).inside;
  const link = typeName === undefined ? "" : `; see [${typeName}](#${typeName.toLowerCase()})`;
  const cells = [
    code(path),
    field.unit ?? (field.type === "object" ? "object" : "text"),
    required ? "required" : showDefault(field),
    field.range ?? "",
    `${field.description ?? ""}${link}`,
    field.example === undefined ? "" : code(field.example),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`;
}

function showDefault({ default: value, fallback = "" }: SchemaNode): string {
  return value === undefined ? fallback : code(value);
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** `- where: what`, of a node and of all in it but named types. */
function rulesOf(node: SchemaNode, path: string): string[] {
  const own = (node["x-kubernetes-validations"] ?? []).map(({ message, fieldPath = "" }) => {
    const where = `${path}${fieldPath}`.replace(/^[.]/, "");
    // Only the rule on the whole resource points nowhere.
    return `- ${code(where === "" ? "metadata.name" : where)}: ${message}`;
  });
  const inner = Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const { inside, suffix } = insideOf(field);
    return inside.typeName === undefined ? rulesOf(inside, `${path}.${name}${suffix}`) : [];
  });
  return [...own, ...inner];
}
