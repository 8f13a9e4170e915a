import { ConfigError } from "../../common/errors.ts";
import { hexKey, parseKeyRingFile, type KeyUse } from "../../common/keys/keyRing.ts";

/** A key that a user's Secret gives. */
export interface GivenKey {
  /** Its name there; a hex key has none. */
  readonly id: string | undefined;
  /** Lower-case hex. */
  readonly key: string;
  readonly use: KeyUse;
}

/** The keys of a user's Secret, that to sign with first. */
export type GivenKeys = readonly [GivenKey, ...GivenKey[]];

/**
 * The value that `signing.secretRef` names: one key as hex, or a key ring file.
 * @param use what a hex key is for
 * @throws ConfigError naming the field, never a key
 */
export function parseGiven(text: string, use: KeyUse): GivenKeys {
  const hex = text.trim();
  if (hexKey.safeParse(hex).success) return [{ id: undefined, key: hex.toLowerCase(), use }];
  if (!hex.startsWith("{")) {
    throw new ConfigError(
      "signing.secretRef: must hold 32 to 64 bytes as hex, such as `openssl rand -hex 32` prints, or a key ring",
    );
  }
  const { signing, keys } = parseRing(hex);
  if (keys.some(({ notAfter }) => notAfter !== undefined)) {
    throw new ConfigError(
      "signing.secretRef: key ring: keys: notAfter: leave it out; a key that is no longer given ends after signing.overlapSeconds",
    );
  }
  const sorted = keys
    .map(({ id, key, use }): GivenKey => ({ id, key: key.toLowerCase(), use }))
    .sort((a, b) => Number(b.id === signing) - Number(a.id === signing));
  return sorted as [GivenKey, ...GivenKey[]];
}

function parseRing(text: string) {
  try {
    return parseKeyRingFile(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`signing.secretRef: ${error.message}`);
  }
}
