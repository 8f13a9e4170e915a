import { hash, randomBytes } from "node:crypto";
import type { Clock } from "../../common/clock.ts";
import { ConfigError } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { fixed, reloaded, type Reloaded } from "../../common/reload.ts";
import { readSecretFile } from "../../common/secretFiles.ts";
import type { GatewayConfig } from "../config.ts";
import {
  countLocally,
  createKeyLimits,
  type KeyLimits,
  type LocalLimits,
} from "../limit/keyLimits.ts";
import { quotasOf, type LimitConfig } from "../limit/quotas.ts";
import type { SharedStore } from "../limit/sharedStore.ts";
import type { KeyEntry } from "../../common/apiKeys/keyEntry.ts";
import { parseKeyFile } from "../../common/apiKeys/keyFile.ts";

/** One client's key, as far as anything here needs to know it. */
export interface ApiKey {
  readonly name: string;
  /** Unix milliseconds from when on it is refused; Infinity when it has no end. */
  readonly expiresAt: number;
  readonly limits: KeyLimits;
}

export interface ApiKeys {
  readonly all: readonly ApiKey[];
  find(presented: string): ApiKey | undefined;
}

export interface KeyDeps {
  readonly clock: Clock;
  /** Where replicas count limits together; left out, each counts alone. */
  readonly store?: SharedStore | undefined;
}

/** Keys are found by a digest under a secret that dies with the process: no timing tells of a key. */
const lookupDigest = createLookup(randomBytes(32));

/** The keys that a config names, followed through their file's changes. */
export async function loadApiKeys(
  config: GatewayConfig,
  { log, ...deps }: KeyDeps & { log: Logger },
): Promise<Reloaded<ApiKeys>> {
  const { api_keys: listed, api_keys_file: file } = config;
  const table = new KeyTable(config, deps);
  if (listed !== undefined) {
    const entries = listed.map((entry, index) => ({
      ...entry,
      name: entry.name ?? `key-${index + 1}`,
    }));
    return fixed(table.replace(entries));
  }
  if (file === undefined) throw new ConfigError("no API keys are configured");
  const load = async (): Promise<ApiKeys> =>
    table.replace(parseKeyFile(await readSecretFile(file)));
  return reloaded({ what: "API keys", files: [file], load, log });
}

/** Makes keys of entries, time and again; what a key has used up stays used while it is listed. */
export class KeyTable {
  readonly #config: LimitConfig;
  readonly #deps: KeyDeps;
  /** By digest. */
  #counted = new Map<string, LocalLimits>();

  constructor(config: LimitConfig, deps: KeyDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** @throws ConfigError when a key or a name is there twice, or none; nothing has changed then */
  replace(entries: readonly KeyEntry[]): ApiKeys {
    const byDigest = new Map<string, KeyEntry>();
    const names = new Set<string>();
    for (const entry of entries) {
      if (names.has(entry.name)) throw new ConfigError(`API keys: two are named ${entry.name}`);
      names.add(entry.name);
      const digest = digestOf(entry.key);
      if (byDigest.has(digest)) {
        throw new ConfigError(`API keys: ${entry.name} is the same as another`);
      }
      byDigest.set(digest, entry);
    }
    if (byDigest.size === 0) throw new ConfigError("API keys: none is given");

    const counted = new Map<string, LocalLimits>();
    const keys = new Map<string, ApiKey>();
    for (const [digest, entry] of byDigest) {
      const quotas = quotasOf(entry, this.#config);
      const local = countLocally(quotas, this.#counted.get(digest), this.#deps.clock);
      counted.set(digest, local);
      keys.set(digest, {
        name: entry.name,
        expiresAt: entry.expires ?? Number.POSITIVE_INFINITY,
        limits: createKeyLimits(entry.name, quotas, local, this.#deps.store),
      });
    }
    this.#counted = counted;
    return {
      all: [...keys.values()],
      find: (presented) => keys.get(lookupDigest(sha256(presented))),
    };
  }
}

/** @param key the key itself, or `sha256:` and the hex of its digest */
function digestOf(key: string): string {
  const isDigest = key.startsWith("sha256:");
  return lookupDigest(isDigest ? Buffer.from(key.slice(7), "hex").toString("latin1") : sha256(key));
}

/** As latin1 text, which Node hands over several times faster than a Buffer. */
function sha256(data: string | Buffer): string {
  return hash("sha256", data, "latin1");
}

/**
 * SHA-256 of a secret prefix and a digest, as latin1 text. Every input is as long as any other, so
 * that nothing can be appended to one, which is what HMAC's second hash is for. Node's own Hmac costs
 * several times as much, more than all else that is done for a small draw.
 * @param secret 32 bytes
 */
function createLookup(secret: Buffer): (digest: string) => string {
  const block = Buffer.concat([secret, Buffer.alloc(32)]);
  return (digest) => {
    block.write(digest, 32, "latin1");
    return sha256(block);
  };
}
