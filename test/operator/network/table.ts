import { readFileSync } from "node:fs";
import type { GoldenName } from "../build/specs.ts";
import type { Row } from "./scene.ts";

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

/** Who may connect to whom, as docs/network.md says of a bridge with such a spec. */
export function documentedRows(name: GoldenName): Row[] {
  return tableUnder(headings[name]);
}

/** Rows `| from | to | port, port |`. */
function tableUnder(heading: string): Row[] {
  const [, section = ""] = text.split(`\n### ${heading}\n`);
  const lines = section.split("\n### ")[0]!.split("\n## ")[0]!.split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).slice(2);
  if (rows.length === 0) throw new Error(`docs/network.md has no table under ${heading}`);
  return rows.flatMap((row) => {
    const [from = "", to = "", list = ""] = row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim());
    return list.split(", ").map((port) => ({ from, to, port }));
  });
}

/** Each once: two gateways are one row. */
export function sorted(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(textOf))].sort();
}

export const textOf = ({ from, to, port }: Row): string => `${from} → ${to}: ${port}`;
