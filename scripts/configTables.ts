import { readFileSync, writeFileSync } from "node:fs";
import { collectorConfig } from "../collector/config.ts";
import { gatewayConfig } from "../gateway/config.ts";
import { listFields, renderTable, replaceTable } from "./configTable.ts";

/** Writes the config tables of the READMEs from the schemas; `--check` only compares. */
const check = process.argv.includes("--check");
const programs = { collector: collectorConfig, gateway: gatewayConfig };
for (const [program, schema] of Object.entries(programs)) {
  const path = new URL(`../${program}/README.md`, import.meta.url);
  const before = readFileSync(path, "utf8");
  const after = replaceTable(before, renderTable(listFields(schema)));
  if (before === after) continue;
  if (check) {
    process.stderr.write(`${program}/README.md differs from the schema; run: npm run docs\n`);
    process.exitCode = 1;
  } else writeFileSync(path, after);
}
