import type { Logger } from "../log/logger.ts";
import { fixed, reloaded, type Reloaded } from "../reload.ts";
import { readSecretFile } from "../secretFiles.ts";
import { ConfigError } from "../errors.ts";
import type { KeyConfig } from "./config.ts";
import { hexKey, parseKeyRing, singleKeyRing, type KeyRing, type KeyUse } from "./keyRing.ts";

export interface KeyRingOptions {
  /** What a single key is for; a ring file says so itself. */
  readonly uses: readonly [KeyUse, ...KeyUse[]];
  /** Throws a ConfigError for a ring that the program cannot work with. */
  readonly check?: (ring: KeyRing) => void;
  /** Called with each ring after the first. */
  readonly onChange?: (ring: KeyRing) => void;
  readonly log: Logger;
}

/**
 * The ring that a config names, followed through its file's changes.
 */
export async function loadKeyRing(
  config: KeyConfig,
  { uses, check = () => undefined, onChange = () => undefined, log }: KeyRingOptions,
): Promise<Reloaded<KeyRing>> {
  const { hmac_secret_key: key, hmac_secret_key_file: keyFile, key_ring_file: ringFile } = config;
  if (key !== undefined) return fixed(singleKeyRing(key, uses));
  const file = ringFile ?? keyFile;
  if (file === undefined) throw new ConfigError("no signing key is configured");
  const load = async (): Promise<KeyRing> => {
    const text = await readSecretFile(file);
    const ring =
      ringFile === undefined ? singleKeyRing(parseHexKey(text, file), uses) : parseKeyRing(text);
    check(ring);
    return ring;
  };
  return reloaded({ what: "key ring", files: [file], load, onChange, log });
}

function parseHexKey(text: string, file: string): string {
  if (hexKey.safeParse(text).success) return text;
  throw new ConfigError(`${file}: must hold 32 to 64 bytes as hex`);
}
