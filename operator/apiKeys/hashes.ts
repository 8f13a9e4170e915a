import { createHash } from "node:crypto";
import { parseKeyLine, splitKeyFile, type KeyLine } from "../../common/apiKeys/keyFile.ts";
import { showKey } from "../../common/config/issues.ts";
import { ConfigError } from "../../common/errors.ts";
import { type ClientKeyContent, clientKeyName } from "./clientKey.ts";

/**
 * The data of the gateways' Secret, as text: a line per key, with its hash in its place, as
 * common/apiKeys/keyFile.ts reads them. Gateways read it again when it changes.
 */
export interface GatewayKeysContent {
  readonly "api-keys": string;
}

/** What gateways get of the generated key. */
export function hashClientKey({ "api-key": key }: ClientKeyContent): GatewayKeysContent {
  return writeLines([{ words: [clientKeyName, key], place: "the clients' Secret: api-key" }]);
}

const source = "gateway.apiKeysSecretRef";
/** The entry of a user's Secret that holds lines. */
const fileEntry = "api-keys";

/**
 * What gateways get of the keys in a user's Secret, which is only read. Each entry is a key:
 *
 *     stringData:
 *       billing: 4Zc…                      # name: key
 *       lab: 9hT… daily_bytes=1GiB         # with limits of its own
 *       batch: sha256:5e88…                # or its hash alone, so that nobody here knows the key
 *
 * An entry `api-keys` holds a key file instead, as the gateway's own `api_keys_file`; both may be
 * there. A key that enters is good, and one that leaves refused, as soon as gateways have read it:
 * to change a key without a gap add the new one, move its clients, and remove the old one.
 * @param data the Secret's entries, as text
 * @throws ConfigError naming the entry and what is expected, never a key
 */
export function hashGivenKeys(data: Readonly<Record<string, string>>): GatewayKeysContent {
  const lines = Object.keys(data)
    .sort()
    .flatMap((name): KeyLine[] => {
      const place = `${source}: entry ${showKey(name)}`;
      const text = data[name]!.trim();
      if (name === fileEntry) return splitKeyFile(text, place);
      return [{ words: [name, ...text.split(/\s+/)], place }];
    });
  if (lines.length === 0) {
    throw new ConfigError(`${source}: holds no key: add an entry with a name and a key`);
  }
  return writeLines(lines);
}

function writeLines(lines: readonly KeyLine[]): GatewayKeysContent {
  const names = new Map<string, string>();
  const hashes = new Map<string, string>();
  const written = lines.map((line) => {
    const { name, key } = parseKeyLine(line);
    const hash = hashOf(key);
    refuseTwice(names, name, line, "has the name of another key");
    refuseTwice(hashes, hash, line, "is the same key as another");
    return [name, hash, ...line.words.slice(2)].join(" ");
  });
  return { "api-keys": `${written.join("\n")}\n` };
}

/** Gateways would refuse the whole file. */
function refuseTwice(
  seen: Map<string, string>,
  value: string,
  { place }: KeyLine,
  problem: string,
): void {
  const before = seen.get(value);
  if (before !== undefined) throw new ConfigError(`${place}: ${problem} (${before})`);
  seen.set(value, place);
}

function hashOf(key: string): string {
  if (key.startsWith("sha256:")) return key.toLowerCase();
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
