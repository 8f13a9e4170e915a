import { randomBytes } from "node:crypto";
import { parseKeyRing } from "../common/keys/keyRing.ts";
import { ConfigError } from "../common/errors.ts";
import { readPrivate, writePrivate } from "./privateFile.ts";

const apiKeyPattern = /^[\x21-\x7e]{22,512}\s*$/;

/** The key of the API's clients, made at the first start. */
export async function ensureApiKey(path: string): Promise<string> {
  const kept = await readPrivate(path);
  if (kept !== undefined) {
    if (apiKeyPattern.test(kept)) return kept.trim();
    throw new ConfigError(`${path}: holds no API key; delete it to have a new one made`);
  }
  const key = randomBytes(32).toString("base64url");
  await writePrivate(path, `${key}\n`);
  return key;
}

interface RingFile {
  readonly version: 1;
  readonly signing: string;
  readonly keys: readonly { id: string; key: string; use?: "unbound" }[];
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

async function readRing(path: string): Promise<RingFile | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  try {
    if (parseKeyRing(text).signing.use === "bound") return JSON.parse(text) as RingFile;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  throw new ConfigError(`${path}: holds no usable key ring; delete it to have a new one made`);
}

function makeRing(): RingFile {
  const key = makeKey();
  return { version: 1, signing: key.id, keys: [key] };
}

function withUnboundKey(ring: RingFile): RingFile {
  if (ring.keys.some(({ use }) => use === "unbound")) return ring;
  return { ...ring, keys: [...ring.keys, { ...makeKey(), use: "unbound" }] };
}

function makeKey(): { id: string; key: string } {
  return { id: randomBytes(8).toString("hex"), key: randomBytes(32).toString("hex") };
}
