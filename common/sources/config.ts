import { z } from "zod";
import { choice, duration, file, flag, isLoopback, size, url } from "../config/fields.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log/logger.ts";
import { readPublicFile } from "../secretFiles.ts";
import { startFetchLoop, type FetchLoop, type Sink } from "./fetchLoop.ts";
import { createQuantisSource } from "./quantis.ts";

export const sourceName = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** HTTPS, or plain http to this machine itself. */
export const sourceUrl = () =>
  url().refine(
    (text) => {
      const { protocol, hostname } = new URL(text);
      return protocol === "https:" || isLoopback(hostname);
    },
    {
      error: "must be https, or http to a loopback address",
      when: (payload) => payload.issues.length === 0,
    },
  );

const chunkSize = () => size({ min: 64, max: 2 ** 20 });
const interval = () => duration({ min: 0, max: 3_600_000 });
const timeout = () => duration({ min: 100, max: 600_000 });

/** One entry of `sources`; what it leaves out comes from the fields of the same meaning above it. */
const source = z.strictObject({
  name: z
    .string()
    .max(40)
    .regex(sourceName, "must be lower-case letters, digits and hyphens, starting with a letter")
    .meta({ unit: "name", range: "1 … 40 of a-z 0-9 -" })
    .describe("the source's name in logs and metrics"),
  type: choice(["Quantis"]).describe("the interface that it speaks"),
  url: sourceUrl().describe("the appliance itself; the API's path is added"),
  ca_file: file()
    .optional()
    .describe("PEM of the CAs that may sign its certificate; the system's when left out"),
  pinned_certificate_sha256s: z
    .array(z.string().regex(/^(?:[0-9a-fA-F]{2}:?){32}(?<!:)$/, "must be 64 hex digits"))
    .min(1)
    .max(4)
    .optional()
    .meta({ unit: "list of hex", range: "1 … 4" })
    .describe(
      "SHA-256 of the certificates that it may show, with or without colons; with no ca_file they alone are the trust",
    ),
  fetch_chunk_size: chunkSize().optional().describe("bytes of one fetch"),
  fetch_interval: interval().optional().describe("pause between two fetches"),
  fetch_timeout: timeout().optional().describe("time for one fetch"),
  simulated: flag()
    .default(false)
    .describe("this is a simulated appliance; one that is not named so is refused"),
});

/** The fields that say where random bytes come from, in the collector and in Direct mode. */
export const sourceFields = {
  appliance_url: sourceUrl()
    .optional()
    .describe("short for `sources` with one Quantis source, named appliance"),
  appliance_ca_file: file().optional().describe("the `ca_file` of that source"),
  sources: z
    .array(source)
    .min(1)
    .max(16)
    .optional()
    .meta({ unit: "list", range: "1 … 16" })
    .describe("the sources, when appliance_url is not enough"),
  fetch_chunk_size: chunkSize().default(65_536).describe("bytes of one fetch"),
  fetch_interval: interval().default(100).describe("pause between two fetches"),
  fetch_timeout: timeout().default(10_000).describe("time for one fetch"),
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

/** Starts a fetch loop for each configured source. */
export async function startSources(
  config: SourcesConfig,
  sink: Sink,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<FetchLoop[]> {
  const backoff = { min: 200, max: 30_000 };
  const ready = await Promise.all(
    listSources(config).map(async (entry) => ({
      interval: entry.fetch_interval ?? config.fetch_interval,
      source: createQuantisSource({
        name: entry.name,
        url: entry.url,
        trust: {
          ca: entry.ca_file === undefined ? undefined : await readPublicFile(entry.ca_file),
          pins: (entry.pinned_certificate_sha256s ?? []).map((pin) =>
            pin.replaceAll(":", "").toLowerCase(),
          ),
        },
        chunkBytes: entry.fetch_chunk_size ?? config.fetch_chunk_size,
        timeout: entry.fetch_timeout ?? config.fetch_timeout,
        simulated: entry.simulated,
      }),
    })),
  );
  return ready.map(({ source, interval }) =>
    startFetchLoop({ source, sink, interval, backoff, clock, random: Math.random, log }),
  );
}

/** Bytes of the largest fetch: what a buffer must hold to take any. */
export function largestChunk(config: SourcesConfig): number {
  const chunks = listSources(config).map(
    ({ fetch_chunk_size: size }) => size ?? config.fetch_chunk_size,
  );
  return Math.max(0, ...chunks);
}

type SourceEntry = z.output<typeof source>;

function listSources(config: SourcesConfig): SourceEntry[] {
  if (config.sources !== undefined) return config.sources;
  if (config.appliance_url === undefined) return [];
  const { appliance_url: url, appliance_ca_file: ca_file } = config;
  return [{ name: "appliance", type: "Quantis", url, ca_file, simulated: false }];
}
