import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../common/clock.ts";
import { ConfigError } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { fixed, reloaded, type Reloaded } from "../../common/reload.ts";
import { readSecretFile } from "../../common/secretFiles.ts";
import { apiKeyText, keyName, type GatewayConfig } from "../config.ts";
import { TokenBucket } from "../limit/tokenBucket.ts";

/** One client's key, as far as anything here needs to know it. */
export interface ApiKey {
  readonly name: string;
  /** Charged one for each request. */
  readonly requests: TokenBucket;
  /** Charged for each random byte. */
  readonly bytes: TokenBucket;
}

export interface ApiKeys {
  find(presented: string): ApiKey | undefined;
}

interface KeyEntry {
  readonly name: string;
  /** The key, or `sha256:` and the hex of its digest. */
  readonly key: string;
}

type Limits = Pick<GatewayConfig, "rate_limit" | "max_request_bytes">;

/** Keys are found by an HMAC under a key that dies with the process: no timing tells of a key. */
const lookupKey = randomBytes(32);

/** The keys that a config names, followed through their file's changes; buckets outlive a change. */
export async function loadApiKeys(
  config: GatewayConfig,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<Reloaded<ApiKeys>> {
  const { api_keys: listed, api_keys_file: file } = config;
  if (listed !== undefined) {
    const entries = listed.map((entry, index) =>
      typeof entry === "string" ? { name: `key-${index + 1}`, key: entry } : entry,
    );
    return fixed(createApiKeys(entries, config, { known: new Map(), now: clock.monotonic() }).keys);
  }
  if (file === undefined) throw new ConfigError("no API keys are configured");
  let known = new Map<string, ApiKey>();
  const load = async (): Promise<ApiKeys> => {
    const entries = parseKeyFile(await readSecretFile(file));
    const { keys, byDigest } = createApiKeys(entries, config, { known, now: clock.monotonic() });
    known = byDigest;
    return keys;
  };
  return reloaded({ what: "API keys", files: [file], load, log });
}

/**
 * A line each: `key` or `name key`; `#` starts a comment line.
 * @throws ConfigError naming the line, never the key
 */
export function parseKeyFile(text: string): KeyEntry[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#") === true) return [];
    const [name, key] = words.length === 1 ? [`key-${index + 1}`, words[0]] : words;
    const isEntry =
      words.length <= 2 && keyName.safeParse(name).success && apiKeyText.safeParse(key).success;
    if (isEntry && name !== undefined && key !== undefined) return [{ name, key }];
    throw new ConfigError(
      `API keys: line ${index + 1}: must be a key of 22 to 512 visible characters, or a name and a key`,
    );
  });
}

/**
 * @param known keys by digest from before, whose buckets go on
 * @param now monotonic milliseconds
 */
export function createApiKeys(
  entries: readonly KeyEntry[],
  { rate_limit: limits, max_request_bytes: largest }: Limits,
  { known, now }: { known: ReadonlyMap<string, ApiKey>; now: number },
): { keys: ApiKeys; byDigest: Map<string, ApiKey> } {
  const byDigest = new Map<string, ApiKey>();
  const names = new Set<string>();
  for (const { name, key } of entries) {
    if (names.has(name)) throw new ConfigError(`API keys: two are named ${name}`);
    names.add(name);
    const digest = lookupDigest(
      key.startsWith("sha256:") ? Buffer.from(key.slice(7), "hex") : sha256(key),
    );
    if (byDigest.has(digest)) throw new ConfigError(`API keys: ${name} is the same as another`);
    byDigest.set(digest, {
      name,
      requests:
        known.get(digest)?.requests ??
        new TokenBucket({ capacity: limits.burst, perSecond: limits.requests_per_second }, now),
      bytes:
        known.get(digest)?.bytes ??
        new TokenBucket(
          {
            capacity: Math.max(limits.bytes_per_second, largest),
            perSecond: limits.bytes_per_second,
          },
          now,
        ),
    });
  }
  if (byDigest.size === 0) throw new ConfigError("API keys: none is given");
  return { keys: { find: (presented) => byDigest.get(lookupDigest(sha256(presented))) }, byDigest };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function lookupDigest(digest: Buffer): string {
  return createHmac("sha256", lookupKey).update(digest).digest("latin1");
}
