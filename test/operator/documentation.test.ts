import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { conditionTypes } from "../../operator/bridge/status.ts";
import { checkOutcomes } from "../../operator/oneWay/result.ts";
import { stallReasons } from "../../operator/reconcile/trouble.ts";
import { ringReasons } from "../../operator/signing/describe.ts";
import { inlineCode, sectionOf } from "../helpers/markdown.ts";

let readme: string;
/** All of the operator's own source. */
let code: string;

beforeAll(async () => {
  readme = await readFile("operator/README.md", "utf8");
  const files = globSync("operator/**/*.ts").map((file) => readFile(file, "utf8"));
  code = (await Promise.all(files)).join("\n");
});

const sortedSet = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();
const isReason = (text: string): boolean => /^[A-Z][A-Za-z]+$/.test(text);

/** The cells of each row of a section's table. */
function rowsOf(heading: string): string[][] {
  const lines = sectionOf(readme, heading).split("\n");
  const rows = lines.filter((line) => line.startsWith("| "));
  return rows.slice(2).map((line) => line.slice(2, -2).split(" | "));
}

/** What calls of a function give it first, word for word. */
function firstArguments(name: string): string[] {
  return [...code.matchAll(new RegExp(`\\b${name}\\(\\s*"(\\w+)"`, "g"))].map(
    ([, first = ""]) => first,
  );
}

test("README.md has a row for each condition, and every reason that the code gives", () => {
  const rows = rowsOf("## Conditions");
  expect(rows.map(([type]) => type)).toEqual(conditionTypes);
  const documented = inlineCode(sectionOf(readme, "## Conditions")).filter(isReason);
  const literal = ["isTrue", "isFalse", "isUnknown"].flatMap(firstArguments);
  expect(literal.length).toBeGreaterThan(30);
  const given = [...literal, ...stallReasons, ...ringReasons, ...checkOutcomes];
  expect(sortedSet(documented)).toEqual(sortedSet(given));
});

test("README.md has a row for each reason of an event that is no condition's", () => {
  const documented = rowsOf("## Events").flatMap(([reasons = ""]) => inlineCode(reasons));
  const steps = firstArguments("note");
  expect(steps.length).toBeGreaterThan(10);
  const rest = ["Created", "DriftCorrected", "ObjectRestored", "AnswerAltered"];
  expect(sortedSet(documented)).toEqual(sortedSet([...steps, ...rest]));
});

test("README.md says why there is each rule, and has none that the chart lacks", async () => {
  const files = globSync("charts/qrng-bridge/files/{bridge,operator}-rules.yaml");
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const rules = texts.flatMap((text) => parse(text) as { resources: string[] }[]);
  const named = rowsOf("## Rights").flatMap(([rule = ""]) => {
    const [resources = ""] = rule.split(/:| of /);
    return resources === "the same" ? [] : resources.split(", ");
  });
  expect(sortedSet(named)).toEqual(sortedSet(rules.flatMap(({ resources }) => resources)));
});
