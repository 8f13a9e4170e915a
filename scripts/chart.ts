import { readFileSync, writeFileSync } from "node:fs";
import { isMap, type Node, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { replaceTable } from "./configTable.ts";

/** Writes the chart's table of values from values.yaml and its comments; `--check` only compares. */
const folder = new URL("../charts/qrng-bridge/", import.meta.url);
const readme = new URL("README.md", folder);
const values = parseDocument(readFileSync(new URL("values.yaml", folder), "utf8"));
if (!isMap<Scalar<string>, Node>(values.contents)) throw new Error("values.yaml holds no values");
const head = ["| value | what | default |", "| --- | --- | --- |"];
const table = [...head, ...describeValues(values.contents)].join("\n");
const before = readFileSync(readme, "utf8");
const after = replaceTable(before, table);
if (before !== after) {
  if (process.argv.includes("--check")) {
    process.stderr.write("charts/qrng-bridge/README.md differs from values.yaml: npm run docs\n");
    process.exitCode = 1;
  } else writeFileSync(readme, after);
}

/**
 * A row for each value with a comment before it; a map without one is a group of values.
 * @throws naming a value that nothing describes
 */
function describeValues(group: YAMLMap<Scalar<string>, Node>, prefix = ""): string[] {
  return group.items.flatMap((pair, index) => {
    const path = `${prefix}${pair.key.value}`;
    // The parser gives that of a group's first value to the group.
    const comment = pair.key.commentBefore ?? (index === 0 ? group.commentBefore : undefined);
    if (comment != null) return [renderRow(path, comment, pair.value)];
    if (isMap<Scalar<string>, Node>(pair.value)) return describeValues(pair.value, `${path}.`);
    throw new Error(`values.yaml: ${path} needs a comment that says what it is`);
  });
}

function renderRow(path: string, comment: string, value: Node | null): string {
  const what = comment.split("\n").map((line) => line.trim());
  const fallback = JSON.stringify(value?.toJS(values));
  return `| \`${path}\` | ${what.join(" ").replaceAll("|", "\\|")} | \`${fallback}\` |`;
}
