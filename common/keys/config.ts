import { z } from "zod";
import { file, secret } from "../config/fields.ts";

/** The three ways in which a program's config names the keys of packets. */
export const keyFields = {
  hmac_secret_key: secret(/^(?:[0-9a-fA-F]{2}){32,64}$/, "32 to 64 bytes as hex")
    .optional()
    .describe("the one key that packets are signed with"),
  hmac_secret_key_file: file().optional().describe("a file with that key"),
  key_ring_file: file().optional().describe("a key ring instead, re-read when it changes"),
};

const keyConfig = z.object(keyFields);
export type KeyConfig = z.output<typeof keyConfig>;

/** What a program that needs keys says when `countKeys` is not 1. */
export const needsOneKey =
  "needs exactly one of hmac_secret_key, hmac_secret_key_file and key_ring_file";

/** How many of the three a config names. */
export function countKeys(config: KeyConfig): number {
  const { hmac_secret_key: key, hmac_secret_key_file: keyFile, key_ring_file: ringFile } = config;
  return [key, keyFile, ringFile].filter((named) => named !== undefined).length;
}
