import type { Registry } from "prom-client";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { choice, integer } from "../config/fields.ts";
import { Independence } from "../health/independence.ts";
import { SourceTests } from "../health/sourceTests.ts";
import type { Logger } from "../log/logger.ts";
import { createMixer, mixingStrategies } from "../mixing/mixer.ts";
import { checkSources, listSources, sourceFields } from "../sources/config.ts";
import { createFetchTimer, exposeSupply } from "./metrics.ts";
import type { Sink } from "./sink.ts";
import { startSupply, type Supply } from "./supply.ts";

const mixing = z.strictObject({
  strategy: choice(mixingStrategies)
    .default("None")
    .describe("how the sources become one stream: by turns, by exclusive or, or by SHA-512"),
  min_sources: integer({ min: 1, max: 16 }, "sources")
    .optional()
    .describe("how many sources every byte is mixed from, never fewer; all of them when left out"),
});

const health = z.strictObject({
  alpha_exponent: integer({ min: 20, max: 60 }, "2^-n")
    .default(40)
    .describe("a good source fails a continuous health test once in about 2^n samples"),
});

/** The fields that say where random bytes come from and how they become one tested stream. */
export const supplyFields = {
  ...sourceFields,
  mixing: mixing.prefault({}).describe("how several sources become one stream"),
  health: health.prefault({}).describe("the tests of every byte of every source"),
};

const supplyConfig = z.object(supplyFields);
export type SupplyConfig = z.output<typeof supplyConfig>;

/** What the fields together are not allowed to say, as zod checks. */
export function checkSupply(config: SupplyConfig, context: z.RefinementCtx): void {
  checkSources(config, context);
  const { strategy, min_sources: minSources } = config.mixing;
  if (minSources === undefined) return;
  const count = listSources(config).length;
  const problem =
    strategy === "None"
      ? "goes with strategy Xor or Hash"
      : minSources > count
        ? `must not be above the number of sources, which is ${count}`
        : undefined;
  if (problem === undefined) return;
  context.addIssue({ code: "custom", path: ["mixing", "min_sources"], message: problem });
}

export interface SupplyDeps {
  readonly sink: Sink;
  /** What the sink can hold. */
  readonly capacity: number;
  /** Milliseconds after which it drops bytes. */
  readonly maxAge: number;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** At once from the mixer to the sink, where the sink can hold so much. */
const mixBytes = 65_536;

/**
 * Starts the supply that a config describes, with its metrics.
 * @throws ConfigError when a file that it names cannot be read
 */
export async function openSupply(config: SupplyConfig, deps: SupplyDeps): Promise<Supply> {
  const { sink, capacity, maxAge, registry, clock, log } = deps;
  // Only here: its HTTP client is some MiB that a gateway which gets pushes never needs.
  const { createSource } = await import("../sources/create.ts");
  const entries = listSources(config);
  const { strategy, min_sources: minSources } = config.mixing;
  const alphaExponent = config.health.alpha_exponent;
  const mixed = entries.map(({ name, min_entropy_millibits_per_byte: entropy }) => ({
    name,
    minEntropyMillibitsPerByte: entropy,
  }));
  const independence = new Independence(entries.map(({ name }) => name));
  const sources = entries.map(async (entry) => ({
    interval: entry.fetch_interval,
    source: await createSource(entry, log),
    tests: new SourceTests({
      minEntropyMillibitsPerByte: entry.min_entropy_millibits_per_byte,
      alphaExponent,
      sharedBlock: entries.length > 1 ? independence.checkFor(entry.name) : undefined,
    }),
  }));
  const supply = startSupply({
    sources: await Promise.all(sources),
    mixer: createMixer({
      strategy,
      minSources: minSources ?? (strategy === "None" ? 1 : entries.length),
      sources: mixed,
      alphaExponent,
    }),
    sink,
    mixBytes: Math.min(mixBytes, capacity),
    // Whoever waits for a partner leaves it half of its time to be sent and used.
    maxWait: strategy === "None" ? maxAge : maxAge / 2,
    onFetch: createFetchTimer(registry),
    clock,
    random: Math.random,
    log,
  });
  exposeSupply(registry, supply);
  return supply;
}
