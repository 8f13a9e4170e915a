import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { pushMeanings } from "../gateway/push/listener.ts";
import { startTestGateway } from "./gateway/helpers/gateway.ts";

/** Metric names in a text, as code in markdown or as `# TYPE` lines of a scrape. */
function metricNames(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
}

test("gateway/README.md names every metric, and none that is not there", async () => {
  await using gateway = await startTestGateway();
  const scrape = await (await fetch(`${gateway.management}/metrics`)).text();
  const readme = await readFile(new URL("../gateway/README.md", import.meta.url), "utf8");
  expect(metricNames(readme, /`((?:qrng|process|nodejs)_\w*[a-z])[`{]/g)).toEqual(
    metricNames(scrape, /^# TYPE (\w+)/gm),
  );
});

test("gateway/README.md shows every path and every error code", async () => {
  await using gateway = await startTestGateway();
  const readme = await readFile(new URL("../gateway/README.md", import.meta.url), "utf8");
  const document = (await (await fetch(`${gateway.api}/api/openapi.json`)).json()) as {
    paths: Record<string, unknown>;
  };
  expect(Object.keys(document.paths).filter((path) => !readme.includes(path))).toEqual([]);
  const folder = new URL("../gateway/", import.meta.url);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const codes = new Set(sources.join().match(/"ERR_[A-Z_]+"/g));
  const missing = [...codes].filter((code) => !readme.includes(code.replaceAll('"', "`")));
  expect(missing.filter((code) => code !== '"ERR_INTERNAL"')).toEqual([]);
});

test("gateway/README.md has a row for each push that is refused, with its status", async () => {
  const readme = await readFile(new URL("../gateway/README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| (\d{3}) \| `(ERR_PUSH_\w+)` \| \S/gm)];
  const refusals = Object.entries(pushMeanings).filter(([, [status]]) => status !== 200);
  expect(rows.map(([, status, code]) => `${status} ${code}`)).toEqual(
    refusals.map(([answer, [status]]) => `${status} ERR_PUSH_${answer.toUpperCase()}`).sort(),
  );
});
