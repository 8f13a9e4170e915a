import { z } from "zod";
import { ownLimits } from "./ownLimits.ts";

/** Shorter keys can be guessed: 22 characters of base64 are 128 bits. */
const plainKey = /^[\x21-\x7e]{22,512}$/;
const hashedKey = /^sha256:/;

/** Whether a text is a key itself, as clients send it, and not its hash. */
export function isPlainKey(text: string): boolean {
  return plainKey.test(text) && !hashedKey.test(text);
}

const keyText = z
  .string()
  .regex(
    /^(?:sha256:[0-9a-fA-F]{64}|[\x21-\x7e]{22,512})$/,
    "must be 22 to 512 visible characters, or sha256: and 64 hex digits",
  )
  .meta({ unit: "secret", range: "22 … 512 visible characters" })
  .describe("the key, or sha256: and the hex of its digest");

const keyName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "must be 1 to 63 of A-Z a-z 0-9 . _ -")
  .meta({ unit: "name", range: "1 … 63 of A-Z a-z 0-9 . _ -" })
  .describe("what it is called in logs and metrics; left out, by its place");

const instant = z.iso
  .datetime({ offset: true, error: "must be a time such as 2027-01-01T00:00:00Z" })
  .meta({ unit: "RFC 3339 time", range: "any" });

/** What an API key may have beside its name. */
export const keyOptions = {
  ...ownLimits,
  expires: instant
    .transform((text) => Date.parse(text))
    .optional()
    .describe("from when on it is refused; never when left out"),
};

export const keyEntry = z.strictObject({ name: keyName.optional(), key: keyText, ...keyOptions });

/** A key as a config lists it; its text alone stands for one without anything else. */
export const listedKey = z.preprocess(
  (value) => (typeof value === "string" ? { key: value } : value),
  keyEntry,
);

export interface KeyEntry extends z.output<typeof keyEntry> {
  readonly name: string;
}
