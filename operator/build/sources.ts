import type { z } from "zod";
import type { supplyFields } from "../../common/supply/config.ts";
import type { Bridge, BridgeSource } from "../bridge/schema.ts";
import { compact, fitting, milliseconds, programDefaults } from "./configValues.ts";

type SupplyInput = { [Field in keyof typeof supplyFields]?: z.input<(typeof supplyFields)[Field]> };
type SourceInput = NonNullable<SupplyInput["sources"]>[number];

/** Paths of what a bridge refers to for one source. */
export interface SourcePaths {
  readonly caFile?: string | undefined;
  readonly authFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface SourceFacts {
  /** By the source's name. */
  readonly paths: Readonly<Record<string, SourcePaths>>;
  /** Of the credentials for `collector.proxy`. */
  readonly proxyAuthFile?: string | undefined;
}

/**
 * Where the bytes of a collector, or of a gateway in Direct, come from and how they become one
 * tested stream.
 * @param buffer the size, where the bridge gives one, of the buffer that chunks go to
 */
export function buildSupply(
  bridge: Pick<Bridge, "spec">,
  facts: SourceFacts,
  buffer: number | undefined,
): SupplyInput {
  const { mixing, healthTests } = bridge.spec;
  return {
    sources: buildSources(bridge, facts, buffer),
    mixing: mixing && { strategy: mixing.strategy, min_sources: mixing.minSources },
    health: healthTests && { alpha_exponent: healthTests.alphaExponent },
  };
}

function buildSources(
  { spec }: Pick<Bridge, "spec">,
  facts: SourceFacts,
  buffer: number | undefined,
): SourceInput[] {
  return spec.sources.map((source) => {
    const paths = facts.paths[source.name] ?? {};
    return compact({
      name: source.name,
      ...typeFields(source, paths),
      url: source.url,
      ...tlsFields(source, paths),
      ...proxyFields(source, spec.collector?.proxy?.url, facts.proxyAuthFile),
      fetch_chunk_size: chunkSize(source, buffer),
      fetch_interval: milliseconds(source.intervalMilliseconds),
      fetch_timeout: milliseconds(source.timeoutMilliseconds),
      min_entropy_millibits_per_byte: source.minEntropyMillibitsPerByte,
    });
  });
}

function tlsFields({ pinnedCertificateSha256s }: BridgeSource, paths: SourcePaths) {
  return {
    ca_file: paths.caFile,
    pinned_certificate_sha256s: pinnedCertificateSha256s,
    client_certificate_file: paths.certificateFile,
    client_key_file: paths.keyFile,
  };
}

/** A source on the pod's own loopback is reached without the proxy, which could not reach it. */
function proxyFields({ url }: BridgeSource, proxy: string | undefined, auth: string | undefined) {
  return url.startsWith("https:") ? { proxy_url: proxy, proxy_auth_file: proxy && auth } : {};
}

/** What only some types have. The bridge's rules see to it that the files are there. */
function typeFields(source: BridgeSource, { authFile = "" }: SourcePaths) {
  const { type } = source;
  const auth = source.authSecretRef && { auth_file: authFile, auth_header: source.authHeader };
  switch (type) {
    case "Quantis":
      return { type, simulated: source.simulated ? true : undefined };
    case "Anu":
      return { type };
    case "Aqn":
    case "Qrypt":
      return { type, auth_file: authFile };
    case "HttpBytes":
      return { type, ...auth };
    case "HttpJson":
      return { type, ...auth, path: source.path, encoding: encodings[source.encoding ?? "Array"] };
  }
}

const encodings = { Array: "array", Hex: "hex", Base64: "base64" } as const;

/** Providers have defaults and units of their own, which any buffer has room for. */
function chunkSize({ type, chunkBytes }: BridgeSource, buffer: number | undefined) {
  if (type === "Anu" || type === "Aqn") return chunkBytes;
  const size = fitting(chunkBytes, programDefaults.fetchChunkSize, buffer);
  return type === "Qrypt" && size !== undefined ? size - (size % 1024) : size;
}
