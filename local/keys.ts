import { randomBytes } from "node:crypto";
import { isPlainKey } from "../common/apiKeys/keyEntry.ts";
import { type KeyRingFile, parseKeyRingFile } from "../common/keys/keyRing.ts";
import { ConfigError } from "../common/errors.ts";
import { ensureClientKey } from "../operator/apiKeys/clientKey.ts";
import { makeRingKey } from "../operator/signing/ringKey.ts";
import { readPrivate, writePrivate } from "./privateFile.ts";

/** The key of the API's clients, made at the first start. */
export async function ensureApiKey(path: string): Promise<string> {
  const kept = await readPrivate(path);
  if (kept !== undefined) {
    if (isPlainKey(kept.trim())) return kept.trim();
    throw new ConfigError(`${path}: holds no API key; delete it to have a new one made`);
  }
  const { "api-key": key } = ensureClientKey({}, randomBytes);
  await writePrivate(path, `${key}\n`);
  return key;
}

/**
 * The keys that packets are signed with, made at the first start.
 * @param unbound whether there is to be one for senders that sign for no gateway in particular
 */
export async function ensureKeyRing(
  path: string,
  { unbound }: { unbound: boolean },
): Promise<void> {
  const kept = await readRing(path);
  const ring = kept ?? makeRing();
  const extended = unbound ? withUnboundKey(ring) : ring;
  if (extended !== kept) await writePrivate(path, `${JSON.stringify(extended, undefined, 2)}\n`);
}

async function readRing(path: string): Promise<KeyRingFile | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  try {
    const ring = parseKeyRingFile(text);
    const signing = ring.keys.find(({ id }) => id === ring.signing);
    if (signing?.use === "bound") return ring;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  throw new ConfigError(`${path}: holds no usable key ring; delete it to have a new one made`);
}

function makeRing(): KeyRingFile {
  const key = makeRingKey(randomBytes);
  return { version: 1, signing: key.id, keys: [{ ...key, use: "bound" }] };
}

function withUnboundKey(ring: KeyRingFile): KeyRingFile {
  if (ring.keys.some(({ use }) => use === "unbound")) return ring;
  return { ...ring, keys: [...ring.keys, { ...makeRingKey(randomBytes), use: "unbound" }] };
}
