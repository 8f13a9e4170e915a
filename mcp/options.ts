import { parseArgs } from "node:util";
import { ConfigError } from "../common/errors.ts";
import { readSecretFile } from "../common/secretFiles.ts";

export interface Options {
  /** The gateway's; its path ends with a slash, so that an ingress may add a prefix. */
  readonly url: URL;
  readonly key: string;
}

export const usage = `usage: npm run --silent mcp -- --url URL --key-file FILE
Speaks MCP on stdin and stdout, and draws from a QRNG Bridge gateway.

  --url URL        the gateway's API, such as http://127.0.0.1:7764; or QRNG_BRIDGE_URL
  --key-file FILE  holds the API key; or QRNG_BRIDGE_API_KEY_FILE, or the key itself in
                   QRNG_BRIDGE_API_KEY
  --help           prints this`;

/**
 * The command line, and where it is silent the environment.
 * @returns undefined when help is asked for
 * @throws ConfigError that says what is missing or wrong, never the key
 */
export async function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Options | undefined> {
  const given = parseFlags(args);
  if (given.help === true) return undefined;
  const url = given.url ?? env["QRNG_BRIDGE_URL"];
  const keyFile = given["key-file"] ?? env["QRNG_BRIDGE_API_KEY_FILE"];
  if (url === undefined) throw new ConfigError(`needs --url or QRNG_BRIDGE_URL\n${usage}`);
  const key = keyFile === undefined ? env["QRNG_BRIDGE_API_KEY"] : await readSecretFile(keyFile);
  if (key === undefined) {
    const names = "--key-file, QRNG_BRIDGE_API_KEY_FILE or QRNG_BRIDGE_API_KEY";
    throw new ConfigError(`needs ${names}\n${usage}`);
  }
  if (!/^[\x21-\x7e]{22,512}$/.test(key)) {
    const where = keyFile ?? "QRNG_BRIDGE_API_KEY";
    throw new ConfigError(`${where}: must be one API key, of 22 to 512 visible characters`);
  }
  return { url: parseUrl(url), key };
}

function parseFlags(args: readonly string[]) {
  const options = {
    url: { type: "string" },
    "key-file": { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch {
    throw new ConfigError(usage);
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new ConfigError("--url: must be an http or https URL");
  }
  if (url.username + url.password + url.search + url.hash !== "") {
    throw new ConfigError("--url: must not hold a user name, password, query or fragment");
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
