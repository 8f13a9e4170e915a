import { z } from "zod";
import { file } from "../config/fields.ts";
import type { ListedSource } from "./create.ts";
import { sourceEntry, type SourceEntry } from "./entry.ts";
import { chunkSize, defaultMinEntropy, interval, sourceUrl, timeout } from "./entryFields.ts";

/** The fields that say where random bytes come from, in the collector and in Direct mode. */
export const sourceFields = {
  appliance_url: sourceUrl()
    .optional()
    .describe("short for `sources` with one Quantis source, named appliance"),
  appliance_ca_file: file().optional().describe("the `ca_file` of that source"),
  sources: z
    .array(sourceEntry)
    .min(1)
    .max(16)
    .optional()
    .meta({ unit: "list", range: "1 … 16" })
    .describe("the sources, when appliance_url is not enough"),
  fetch_chunk_size: chunkSize()
    .default(65_536)
    .describe("bytes of one fetch, of sources that neither say it nor have a default by type"),
  fetch_interval: interval().default(100).describe("pause between two fetches, likewise"),
  fetch_timeout: timeout().default(10_000).describe("time for one fetch, likewise"),
};

const sourcesConfig = z.object(sourceFields);
export type SourcesConfig = z.output<typeof sourcesConfig>;

/** What the fields together are not allowed to say, as zod checks. */
export function checkSources(config: SourcesConfig, context: z.RefinementCtx): void {
  const problem = (path: string[], message: string): void =>
    context.addIssue({ code: "custom", path, message });
  if ((config.appliance_url === undefined) === (config.sources === undefined)) {
    problem([], "needs either appliance_url or sources");
  }
  if (config.appliance_ca_file !== undefined && config.appliance_url === undefined) {
    problem(
      ["appliance_ca_file"],
      "goes with appliance_url; a source in sources has its own ca_file",
    );
  }
  const names = (config.sources ?? []).map(({ name }) => name);
  if (new Set(names).size !== names.length) problem(["sources"], "two sources have the same name");
}

/** Bytes of the largest fetch: what a buffer must hold to take any. */
export function largestChunk(config: SourcesConfig): number {
  return Math.max(0, ...listSources(config).map(({ fetch_chunk_size: size }) => size));
}

/** Every source that the config names, with what its entry left out. */
export function listSources(config: SourcesConfig): ListedSource[] {
  const { fetch_chunk_size, fetch_interval, fetch_timeout } = config;
  return entriesOf(config).map((entry) => ({
    ...entry,
    fetch_chunk_size: entry.fetch_chunk_size ?? fetch_chunk_size,
    fetch_interval: entry.fetch_interval ?? fetch_interval,
    fetch_timeout: entry.fetch_timeout ?? fetch_timeout,
  }));
}

function entriesOf(config: SourcesConfig): readonly SourceEntry[] {
  if (config.sources !== undefined) return config.sources;
  if (config.appliance_url === undefined) return [];
  return [
    {
      name: "appliance",
      type: "Quantis",
      url: config.appliance_url,
      ca_file: config.appliance_ca_file,
      simulated: false,
      min_entropy_millibits_per_byte: defaultMinEntropy,
    },
  ];
}
