import type { Logger } from "../../common/log/logger.ts";
import { fixed, reloaded, type Reloaded } from "../../common/reload.ts";
import { readPair, readPublicFile } from "../../common/secretFiles.ts";
import type { CollectorConfig } from "../config.ts";

/** PEM texts; the system's CAs, and no client certificate, where undefined. */
export interface PushTls {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** What the config's files hold, followed through their changes. */
export async function loadPushTls(
  files: CollectorConfig["push"]["tls"],
  log: Logger,
): Promise<Reloaded<PushTls>> {
  const { ca_file, certificate_file, key_file } = files;
  const named = [ca_file, certificate_file, key_file].filter((file) => file !== undefined);
  const load = async (): Promise<PushTls> => {
    const pair =
      certificate_file === undefined || key_file === undefined
        ? undefined
        : await readPair(certificate_file, key_file);
    return {
      ca: ca_file === undefined ? undefined : await readPublicFile(ca_file),
      certificate: pair?.certificate,
      key: pair?.key,
    };
  };
  return named.length === 0
    ? fixed({ ca: undefined, certificate: undefined, key: undefined })
    : reloaded({ what: "push certificates", files: named, load, log });
}
