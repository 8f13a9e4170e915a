import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type GoldenName, goldenNames } from "../build/specs.ts";
import { allowedRows, type Row } from "./scene.ts";

/** docs/network.md, by the headings of its tables. */
const text = readFileSync(new URL("../../../docs/network.md", import.meta.url), "utf8");
const headings: Readonly<Record<GoldenName, string>> = {
  smallest: "InCluster",
  full: "InCluster with a proxy, Redis, clients and scraping",
  direct: "Direct",
  "collector-only": "CollectorOnly",
  "gateway-only": "GatewayOnly",
  suspended: "InCluster", // it has no pods, but its policies stay
};

describe.each(goldenNames)("%s", (name) => {
  test("may connect as the table says, and not otherwise", () => {
    expect(sorted(allowedRows(name))).toEqual(sorted(tableUnder(headings[name])));
  });

  test("the same where blocks of addresses match pods", () => {
    expect(sorted(allowedRows(name, { ipBlocksMatchPods: true }))).toEqual(
      sorted(allowedRows(name)),
    );
  });
});

test("without the policies far more gets through, so that the tables show something", () => {
  const open = allowedRows("smallest", { policies: [] });
  expect(open).toContainEqual({ from: "gateway", to: "collector", port: "9465 TCP" });
  expect(new Set(open.map(textOf)).size).toBeGreaterThan(500);
});

/** Rows `| from | to | port, port |`. */
function tableUnder(heading: string): Row[] {
  const [, section = ""] = text.split(`\n### ${heading}\n`);
  const lines = section.split("\n### ")[0]!.split("\n## ")[0]!.split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).slice(2);
  expect(rows.length).toBeGreaterThan(0);
  return rows.flatMap((row) => {
    const [from = "", to = "", list = ""] = row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim());
    return list.split(", ").map((port) => ({ from, to, port }));
  });
}

/** Each once: two gateways are one row. */
function sorted(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(textOf))].sort();
}

const textOf = ({ from, to, port }: Row): string => `${from} → ${to}: ${port}`;
