import type { z } from "zod";
import { ConfigError } from "../../common/errors.ts";
import type { sourceFields } from "../../common/sources/config.ts";
import type { Bridge, BridgeSource } from "../bridge/schema.ts";
import { compact, fitting, milliseconds, programDefaults } from "./configValues.ts";

type AnySourceInput = NonNullable<z.input<(typeof sourceFields)["sources"]>>[number];
type SourceInput = Extract<AnySourceInput, { type: "Quantis" }>;

/** Where the PEM of each source's CAs is, by the source's name; of those that have one. */
export type CaFiles = Readonly<Record<string, string>>;

/**
 * The `sources` of a collector, or of a gateway in Direct.
 * @param buffer the size, where the bridge gives one, of the buffer that chunks go to
 * @throws ConfigError for a type that this version's programs do not know
 */
export function buildSources(
  { spec }: Bridge,
  caFiles: CaFiles,
  buffer: number | undefined,
): SourceInput[] {
  return spec.sources.map((source) =>
    compact({
      name: source.name,
      type: knownType(source),
      url: source.url,
      ca_file: caFiles[source.name],
      pinned_certificate_sha256s: source.pinnedCertificateSha256s,
      fetch_chunk_size: fitting(source.chunkBytes, programDefaults.fetchChunkSize, buffer),
      fetch_interval: milliseconds(source.intervalMilliseconds),
      fetch_timeout: milliseconds(source.timeoutMilliseconds),
      simulated: source.simulated ? true : undefined,
    }),
  );
}

function knownType({ name, type }: BridgeSource): SourceInput["type"] {
  if (type === "Quantis") return type;
  throw new ConfigError(`source ${name}: this version has no programs for type ${type}`);
}
