import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { makeFolder } from "../helpers/folder.ts";
import { eras } from "./helpers/clients.ts";
import { startFilled } from "./helpers/gateway.ts";
import { startKeyProxy } from "./helpers/keyProxy.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const suite = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));

/** Runs a revision's requirement set; its verdict is the exit code. */
async function runSuite(url: string, revision: string, results: string) {
  const args = ["server", "--url", url, "--requirements", revision, "--output-dir", results];
  const known = ["--expected-failures", at(`conformance/${revision}.yaml`)];
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; output: string }>();
  execFile(process.execPath, [suite, ...args, ...known], (error, output) => {
    resolve({ code: error?.code ?? 0, output });
  });
  return promise;
}

test.each(eras)(
  "every check of the conformance suite that applies passes: %s",
  async (revision) => {
    await using made = await startFilled(10_000);
    await using proxy = await startKeyProxy(made.gateway);
    await using results = await makeFolder();
    const { code, output } = await runSuite(proxy.url, revision, results.path);
    expect(code, output.slice(output.indexOf("=== SUMMARY"))).toBe(0);
    expect(output).toMatch(/✓ tools-list: [1-9]\d* passed, 0 failed/);
  },
);
