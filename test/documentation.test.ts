import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { collectorConfig } from "../collector/config.ts";
import { pushMeanings } from "../gateway/push/listener.ts";
import { startAppliance } from "./collector/helpers/appliance.ts";
import { runCollector } from "./collector/helpers/running.ts";
import { startTestGateway } from "./gateway/helpers/gateway.ts";
import { eventually } from "./helpers/eventually.ts";

/** Metric names in a text, as code in markdown or as `# TYPE` lines of a scrape. */
function metricNames(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
}

/** By name, in braces: the labels of each series of a scrape. */
type Labels = Readonly<Record<string, readonly string[]>>;

function labelsOf(scrape: string): Labels {
  const series = [...scrape.matchAll(/^(qrng_\w+)\{(.*)\}/gm)];
  return Object.fromEntries(
    series.map(([, name = "", labels = ""]) => [
      name.replace(/_(bucket|sum|count)$/, ""),
      [...labels.matchAll(/(\w+)="/g)]
        .map(([, label = ""]) => label)
        .filter((label) => label !== "le"),
    ]),
  );
}

/** What a collector needs beside its sources. */
const rest = {
  push_url: "http://127.0.0.1:1/push",
  hmac_secret_key: "0123456789abcdef".repeat(4),
};

/** Every TypeScript text below some folders, as one. */
async function sourceText(...folders: string[]): Promise<string> {
  const texts = folders.map(async (name) => {
    const folder = new URL(`../${name}/`, import.meta.url);
    const files = (await readdir(folder, { recursive: true })).filter((file) =>
      file.endsWith(".ts"),
    );
    return Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  });
  return (await Promise.all(texts)).flat().join("\n");
}

test("collector/README.md names every metric and its labels, in tables and alerts", async () => {
  await using appliance = await startAppliance();
  await using collector = await runCollector({ appliance_url: appliance.url, ...rest });
  // A histogram that has seen nothing has no series.
  const scrape = await eventually(async () => {
    const text = await collector.scrape();
    return text.includes("fetch_duration_seconds_bucket{") && text;
  });
  const readme = await readFile(new URL("../collector/README.md", import.meta.url), "utf8");
  const names = metricNames(scrape, /^# TYPE (\w+)/gm);
  expect(metricNames(readme, /\b((?:qrng_(?!gateway)|process_|nodejs_)\w*[a-z])/g)).toEqual(names);
  const labels = labelsOf(scrape);
  const named = [...readme.matchAll(/\b(qrng_\w+)\{([^}]*)\}/g)];
  expect(named.length).toBeGreaterThan(10);
  for (const [text, name = "", list = ""] of named) {
    const used = list.split(",").map((label) => label.replace(/!?=.*/, ""));
    expect(labels[name], text).toEqual(expect.arrayContaining(used));
  }
});

test("collector/README.md: each log line is one that the code writes, with its fields", async () => {
  const readme = await readFile(new URL("../collector/README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| `([^`]+)` \| (info|warn|error)\b(.*?) \|/gm)];
  expect(rows.length).toBeGreaterThan(10);
  const code = await sourceText("collector", "common");
  for (const [, message = "", level = "", fields = ""] of rows) {
    const [begin = "", isCut] = message.split("…"); // what follows says more
    const call = isCut === undefined ? `log\\s*\\.${level}\\([^;]*` : "";
    expect(code).toMatch(new RegExp(`${call}"${begin}`));
    for (const [, field] of fields.matchAll(/`(\w+)`/g)) {
      expect(code).toMatch(new RegExp(`\\b${field}\\b`));
    }
  }
});

test("collector/README.md and examples/: each config is taken as it stands", async () => {
  const readme = await readFile(new URL("../collector/README.md", import.meta.url), "utf8");
  const examples = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml ?? "");
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) {
    const config: unknown = parse(example);
    const whole = {
      ...(/push_url/.test(example) ? {} : rest),
      ...Object(config),
    };
    expect(collectorConfig.safeParse(whole).error, example).toBeUndefined();
  }
});

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
