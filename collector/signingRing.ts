import { ConfigError } from "../common/errors.ts";
import type { KeyRing } from "../common/keys/keyRing.ts";
import { loadKeyRing } from "../common/keys/load.ts";
import type { Logger } from "../common/log/logger.ts";
import type { Reloaded } from "../common/reload.ts";
import type { CollectorConfig } from "./config.ts";

/**
 * The ring whose signing key packets are signed with, followed through its file's changes.
 * @throws ConfigError when that key is not for the peer that the config names
 */
export async function loadSigningRing(
  config: CollectorConfig,
  log: Logger,
): Promise<Reloaded<KeyRing>> {
  return loadKeyRing(config, {
    uses: [keyUse(config)],
    check: (loaded) => checkRing(loaded, config),
    log,
  });
}

function keyUse(config: CollectorConfig): "bound" | "unbound" {
  return config.push.peer === "v1" ? "unbound" : "bound";
}

function checkRing({ signing }: KeyRing, config: CollectorConfig): void {
  if (signing.use === keyUse(config)) return;
  throw new ConfigError(
    `key ring: signing: push.peer ${config.push.peer} needs a key with use: ${keyUse(config)}`,
  );
}
