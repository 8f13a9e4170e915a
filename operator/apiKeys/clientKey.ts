import type { randomBytes } from "node:crypto";
import { isPlainKey } from "../../common/apiKeys/keyEntry.ts";
import { ConfigError } from "../../common/errors.ts";

/** What the generated key is called in logs and metrics. */
export const clientKeyName = "default";

/** The data of the clients' Secret, as text: what their pods read. */
export interface ClientKeyContent {
  readonly "api-key": string;
}

/**
 * The key of a bridge that is given none: 256 random bits, made where there is none. Gateways never
 * see it, only its hash. Whoever edits the value has a key of their own choice, whoever deletes it a
 * new one; the key before ends as soon as the gateways have read that. For a change without a gap,
 * list both keys for a while: `gateway.apiKeysSecretRef`.
 * @throws ConfigError for a value that is no key, saying what to do
 */
export function ensureClientKey(
  stored: Partial<ClientKeyContent>,
  random: typeof randomBytes,
): ClientKeyContent {
  const kept = stored["api-key"]?.trim();
  if (kept === undefined) return { "api-key": random(32).toString("base64url") };
  if (isPlainKey(kept)) return { "api-key": kept };
  throw new ConfigError(
    "the clients' Secret: api-key: must be 22 to 512 visible characters; delete it to have one made",
  );
}
