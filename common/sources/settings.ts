import { ConfigError } from "../errors.ts";
import { readSecretFile } from "../secretFiles.ts";
import { readAuthorities, readClientPair } from "../tlsFiles.ts";
import type { HttpEntry } from "./entry.ts";
import type { Proxy } from "./proxyTunnel.ts";
import type { TlsSettings } from "./tlsAgent.ts";

/** What the files hold that a source's config names. */
export interface Settings {
  readonly tls: TlsSettings;
  /** For the source; undefined when none is given. */
  readonly credential: string | undefined;
}

/** Every file that `loadSettings` reads. */
export function filesOf(entry: HttpEntry): string[] {
  return [
    entry.ca_file,
    entry.client_certificate_file,
    entry.client_key_file,
    entry.proxy_auth_file,
    authFileOf(entry),
  ].filter((path) => path !== undefined);
}

/** @throws ConfigError when a file cannot be read or holds something else */
export async function loadSettings(entry: HttpEntry): Promise<Settings> {
  const pins = entry.pinned_certificate_sha256s ?? [];
  return {
    tls: {
      trust: {
        ca: await readAuthorities(entry.ca_file),
        pins: pins.map((pin) => pin.replaceAll(":", "").toLowerCase()),
      },
      client: await readClientPair(entry.client_certificate_file, entry.client_key_file),
      proxy: await readProxy(entry),
    },
    credential: await readCredential(authFileOf(entry)),
  };
}

function authFileOf(entry: HttpEntry): string | undefined {
  return "auth_file" in entry ? entry.auth_file : undefined;
}

async function readProxy({ proxy_url, proxy_auth_file }: HttpEntry): Promise<Proxy | undefined> {
  if (proxy_url === undefined) return undefined;
  return { url: new URL(proxy_url), credential: await readCredential(proxy_auth_file) };
}

/** A credential as it may stand in a header. */
async function readCredential(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readSecretFile(path);
  if (/^[\x20-\x7e]{1,8192}$/.test(text)) return text;
  throw new ConfigError(`${path}: must hold one line of ASCII, at most 8192 characters`);
}
