import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { collectorConfig } from "../../collector/config.ts";
import { address, duration, file, flag, integer, size } from "../../common/config/fields.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { listFields, renderTable, replaceTable } from "../../scripts/configTable.ts";

const programs: [string, z.ZodType][] = [
  ["collector", collectorConfig],
  ["gateway", gatewayConfig],
];

test.each(programs)(
  "every field of the %s has a unit, a range, a default and a meaning",
  (_, schema) => {
    const rows = listFields(schema);
    for (const row of rows) {
      expect(row, row.path).toMatchObject({
        unit: expect.stringMatching(/\S/) as string,
        range: expect.stringMatching(/\S/) as string,
        meaning: expect.stringMatching(/\S/) as string,
      });
      expect(row.default).not.toMatch(/undefined|NaN|\[object/);
    }
    // A field that types of sources have in different ways has a row for each.
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length);
  },
);

test.each(programs)(
  "every field of the %s is there, as zod's own JSON schema has them",
  (_, schema) => {
    const names = [...new Set(listFields(schema).map(({ path }) => path))];
    const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    expect(names.toSorted()).toEqual(leavesOf(json as JsonSchema, "").toSorted());
  },
);

test("nested fields, lists, defaults and units", () => {
  const inner = z.strictObject({
    past: duration({ min: 0, max: 60_000 }).default(1500).describe("how | long"),
  });
  const entry = z.strictObject({ on: flag().default(false).describe("whether") });
  const schema = z.strictObject({
    room: size({ min: 1024, max: 2 ** 20 })
      .default(8192)
      .describe("how much"),
    window: inner.prefault({}).describe("a group"),
    list: z.array(entry).optional().meta({ unit: "list", range: "any" }).describe("things"),
    at: address().prefault("127.0.0.1:80").describe("where"),
    count: integer({ min: 1, max: 9 }, "things").describe("how many"),
    ca_file: file().optional().describe("which"),
  });
  expect(renderTable(listFields(schema)).split("\n")).toEqual([
    "| field | unit | default | range | meaning |",
    "| --- | --- | --- | --- | --- |",
    "| `room` | size | 8KiB | 1KiB … 1MiB | how much |",
    String.raw`| ${"`window.past`"} | duration | 1500ms | 0ms … 1m | how \| long |`,
    "| `list` | list |  | any | things |",
    "| `list[].on` | boolean | false | true, false | whether |",
    "| `at` | address:port | 127.0.0.1:80 | port 0 … 65535 | where |",
    "| `count` | things | required | 1 … 9 | how many |",
    "| `ca_file` | path |  | 1 … 4096 characters | which |",
  ]);
});

test("a list of several types: a row for each way to have a field, with the types that do", () => {
  const count = integer({ min: 1, max: 9 }, "things").describe("how many");
  const option = <Shape extends z.ZodRawShape>(type: string, shape: Shape) =>
    z.strictObject({
      kind: z.literal(type).meta({ unit: "name" }).describe("which"),
      all: flag().describe("everywhere"),
      ...shape,
    });
  const list = z
    .array(
      z.discriminatedUnion("kind", [
        option("A", { few: count.default(3) }),
        option("B", { few: count, most: count }),
        option("C", { few: count, most: count }),
        option("D", { most: count }),
      ]),
    )
    .meta({ unit: "list", range: "any" })
    .describe("things");
  expect(
    renderTable(listFields(z.strictObject({ list })))
      .split("\n")
      .slice(2),
  ).toEqual([
    "| `list` | list | required | any | things |",
    "| `list[].kind` | name | required | A, B, C, D | which |",
    "| `list[].all` | boolean | required | true, false | everywhere |",
    "| `list[].few` | things | 3 | 1 … 9 | A: how many |",
    "| `list[].few` | things | required | 1 … 9 | B, C: how many |",
    "| `list[].most` | things | required | 1 … 9 | all but A: how many |",
  ]);
});

test("a table is put between the markers, and put there again changes nothing", () => {
  const before = "# A\n\n<!-- config:begin -->\nold\n<!-- config:end -->\n\nmore\n";
  const after = replaceTable(before, "new");
  expect(after).toBe("# A\n\n<!-- config:begin -->\nnew\n<!-- config:end -->\n\nmore\n");
  expect(replaceTable(after, "new")).toBe(after);
  expect(() => replaceTable("# A\n", "new")).toThrow("needs <!-- config:begin -->");
  expect(() => replaceTable("<!-- config:end --> <!-- config:begin -->", "new")).toThrow("needs");
});

test.each(programs)("%s/README.md has the table of its schema", (program, schema) => {
  const readme = readFileSync(new URL(`../../${program}/README.md`, import.meta.url), "utf8");
  expect(readme).toBe(replaceTable(readme, renderTable(listFields(schema))));
});

test("npm run check:docs agrees", async () => {
  const script = fileURLToPath(new URL("../../scripts/configTables.ts", import.meta.url));
  const { stderr } = await promisify(execFile)(process.execPath, [script, "--check"]);
  expect(stderr).toBe("");
});

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly items?: JsonSchema & { readonly oneOf?: readonly JsonSchema[] };
}

/** Dotted paths of what is not a group; a list of objects counts itself and its fields. */
function leavesOf({ properties = {} }: JsonSchema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    if (field.properties !== undefined) return leavesOf(field, `${path}.`);
    const items = field.items?.oneOf ?? [field.items ?? {}];
    return [path, ...new Set(items.flatMap((item) => leavesOf(item, `${path}[].`)))];
  });
}
