import type { Logger } from "../../common/log/logger.ts";
import { fixed, reloaded, type Reloaded } from "../../common/reload.ts";
import { readAuthorities, readClientPair } from "../../common/tlsFiles.ts";
import type { CollectorConfig } from "../config.ts";

/** PEM texts; the system's CAs, and no client certificate, where undefined. */
export interface PushTls {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/**
 * What the config's files hold, followed through their changes.
 * @throws ConfigError when a file cannot be read or holds something else
 */
export async function loadPushTls(
  files: CollectorConfig["push"]["tls"],
  log: Logger,
): Promise<Reloaded<PushTls>> {
  const { ca_file, certificate_file, key_file } = files;
  const named = [ca_file, certificate_file, key_file].filter((file) => file !== undefined);
  const load = async (): Promise<PushTls> => {
    const pair = await readClientPair(certificate_file, key_file);
    return {
      ca: await readAuthorities(ca_file),
      certificate: pair?.certificate,
      key: pair?.key,
    };
  };
  return named.length === 0
    ? fixed({ ca: undefined, certificate: undefined, key: undefined })
    : reloaded({ what: "push certificates", files: named, load, log });
}
