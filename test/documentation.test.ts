import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { startTestGateway } from "./gateway/helpers/gateway.ts";

/** Metric names in a text, as code in markdown or as `# TYPE` lines of a scrape. */
function metricNames(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
}

test("gateway/README.md names every metric, and none that is not there", async () => {
  await using gateway = await startTestGateway();
  const scrape = await (await fetch(`${gateway.management}/metrics`)).text();
  const readme = await readFile(new URL("../gateway/README.md", import.meta.url), "utf8");
  expect(metricNames(readme, /`(qrng_gateway_\w+)/g)).toEqual(
    metricNames(scrape, /^# TYPE (qrng_\w+)/gm),
  );
});
