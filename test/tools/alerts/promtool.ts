import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { makeFolder } from "../../helpers/folder.ts";
import type { Rule } from "../../operator/build/alertRules.ts";
import { runTool, type ToolResult } from "../tool.ts";
import { type Case, healthy } from "./cases.ts";

/** Runs cases by promtool's own engine; its exit code says whether each went as it says. */
export async function testRules(
  rules: readonly Rule[],
  cases: readonly Case[],
): Promise<ToolResult> {
  await using folder = await makeFolder();
  await writeFile(folder.at("rules.yaml"), stringify({ groups: [{ name: "all", rules }] }));
  const tests = cases.map(({ alert, what, series, fires }) => ({
    name: `${alert}: ${what}`,
    interval: "1m",
    input_series: Object.entries({ ...healthy, ...series }).map(([name, values]) => ({
      series: name,
      values,
    })),
    promql_expr_test: Object.entries(fires).map(([minute, isFiring]) => ({
      expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: `${minute}m`,
      exp_samples: isFiring ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [],
    })),
  }));
  const file = folder.at("tests.yaml");
  await writeFile(
    file,
    stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests }),
  );
  return await runTool("promtool", ["test", "rules", file], {
    install: "apt-get install prometheus",
  });
}
