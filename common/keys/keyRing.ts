import { createSecretKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { ConfigError } from "../errors.ts";
import { describeIssues } from "../config/issues.ts";
import { parseTimestamp } from "../packet/timestamp.ts";

export const maxRingKeys = 4;

/**
 * What a ring key signs: `bound` packets, under the key derived for one gateway instance, or
 * `unbound` ones of v1 senders, under the key itself. One key never does both.
 */
export type KeyUse = "bound" | "unbound";

export interface RingKey {
  readonly id: string;
  readonly use: KeyUse;
  /** Nanoseconds since the Unix epoch; from then on the key verifies nothing. */
  readonly notAfter: bigint | undefined;
  readonly secret: KeyObject;
}

export interface KeyRing {
  /** The key that the collector signs with; also among `keys`. */
  readonly signing: RingKey;
  /** 1 … 4 keys; a gateway accepts each. */
  readonly keys: readonly RingKey[];
}

export const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/;
const keyPattern = /^(?:[0-9a-fA-F]{2}){32,64}$/;
export const hexKey = z.string().regex(keyPattern, "must be 32 to 64 bytes as hex");

const ringFile = z.strictObject({
  version: z.literal(1),
  signing: z.string().regex(keyIdPattern),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(keyIdPattern, "must be 1 to 64 of A-Z a-z 0-9 _ -"),
        key: hexKey,
        use: z.enum(["bound", "unbound"]).default("bound"),
        notAfter: z.string().optional(),
      }),
    )
    .min(1)
    .max(maxRingKeys),
});

/** As it is written: keys in hex, times as text. */
export type KeyRingFile = z.output<typeof ringFile>;

/**
 * A key ring file, `{version: 1, signing: id, keys: [{id, key, use?, notAfter?}]}`.
 * @throws ConfigError naming the field, never a key
 */
export function parseKeyRing(text: string): KeyRing {
  const file = parseKeyRingFile(text);
  const keys = file.keys.map((entry): RingKey => ({
    id: entry.id,
    use: entry.use,
    notAfter: entry.notAfter === undefined ? undefined : parseNotAfter(entry.notAfter),
    secret: createSecretKey(entry.key, "hex"),
  }));
  return { signing: keys.find(({ id }) => id === file.signing)!, keys };
}

/**
 * The same file, checked but as it is written, for those who write it anew.
 * @throws ConfigError naming the field, never a key
 */
export function parseKeyRingFile(text: string): KeyRingFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError("key ring: not JSON"); // no cause: V8 quotes the text, which holds keys
  }
  const parsed = ringFile.safeParse(value);
  if (!parsed.success) throw new ConfigError(`key ring: ${describeIssues(parsed.error)}`);
  const { keys, signing } = parsed.data;
  for (const { notAfter } of keys) if (notAfter !== undefined) parseNotAfter(notAfter);
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) {
    throw new ConfigError("key ring: keys: two have the same id");
  }
  if (new Set(keys.map(({ key }) => key.toLowerCase())).size !== keys.length) {
    throw new ConfigError("key ring: keys: two are the same key"); // it could serve both uses
  }
  if (!keys.some(({ id }) => id === signing)) {
    throw new ConfigError("key ring: signing: no key has that id");
  }
  return parsed.data;
}

/** The ring of a single key from a config's `hmac_secret_key`, for peers without key rings. */
export function singleKeyRing(hex: string, uses: readonly [KeyUse, ...KeyUse[]]): KeyRing {
  const secret = createSecretKey(hex, "hex");
  const [first, ...others] = uses.map((use): RingKey => ({
    id: `config-${use}`,
    use,
    notAfter: undefined,
    secret,
  })) as [RingKey, ...RingKey[]];
  return { signing: first, keys: [first, ...others] };
}

function parseNotAfter(text: string): bigint {
  try {
    return parseTimestamp(text);
  } catch (cause) {
    throw new ConfigError("key ring: keys: notAfter: not an RFC 3339 time in UTC", { cause });
  }
}
