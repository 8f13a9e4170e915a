import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundleOperator } from "../operatorCluster/helpers/operatorProcess.ts";

// What its image holds in memory before there is any bridge: docs/performance-operator.md.

test("the operator's bundle is ASCII, and loads nothing that it has no use for", async () => {
  await using bundle = await bundleOperator();
  const { main } = bundle;
  expect(/[^\0-\u{7f}]/u.exec(await readFile(main, "utf8"))).toBeNull();

  const tell = "process.on('exit', () => console.error(process.moduleLoadList.join('\\n')))";
  const args = ["--import", `data:text/javascript,${tell}`, main, "--help"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("--namespaces");
  expect(stderr).toContain("http");
  expect(stderr).not.toContain("undici");
});
