import { createHash } from "node:crypto";
import { z } from "zod";
import type { KeyRingFile } from "../../common/keys/keyRing.ts";
import { hexKey, maxRingKeys } from "../../common/keys/keyRing.ts";
import { moment } from "../moment.ts";

/**
 * What the operator has to know of a ring from one look to the next. It is kept in the ring's
 * Secret beside `ring.json`, which programs read and which follows from it: so whatever happens to
 * that file can be put right. Programs do not mount it.
 */
const keyId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const date = z.iso.datetime();

const bookKey = z.strictObject({
  id: keyId,
  /** Lower-case hex. */
  key: hexKey.toLowerCase(),
  use: z.enum(["bound", "unbound"]),
  created: date,
  /** Since when it is in ring.json; gone once every program must have read that. */
  published: moment.optional(),
  /** Since when the same gateways have all said that they accept it. */
  reported: z.strictObject({ since: moment, by: z.string().max(64) }).optional(),
  /** Since when nobody should sign with it any more, while somebody still might. */
  left: moment.optional(),
});

const book = z
  .strictObject({
    version: z.literal(1),
    signing: keyId,
    /** The key that is to sign next. */
    next: keyId.optional(),
    /** When `signing` was chosen, for its age. */
    switched: date,
    keys: z.array(bookKey).min(1).max(maxRingKeys),
    /** What revokedKeyIds names and was dropped, so that it does not come in again. */
    revoked: z.array(z.strictObject({ id: keyId, sha256: z.string() })),
  })
  .refine(({ keys }) => new Set(keys.map(({ id }) => id)).size === keys.length)
  .refine(({ keys }) => new Set(keys.map(({ key }) => key)).size === keys.length)
  .refine(({ keys, signing }) => keys.some(({ id }) => id === signing))
  .refine(({ keys, next }) => next === undefined || keys.some(({ id }) => id === next))
  .refine(({ signing, next }) => signing !== next);

export type BookKey = Readonly<z.output<typeof bookKey>>;
export type Book = Readonly<Omit<z.output<typeof book>, "keys">> & {
  readonly keys: readonly BookKey[];
};

/** @returns undefined for whatever is not a book that we wrote */
export function parseBook(text: string): Book | undefined {
  try {
    return book.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON; the error would quote it
  }
}

/** A Secret's data, as text. */
export interface RingContent {
  readonly "ring.json": string;
  readonly "state.json": string;
}

/** Equal books give equal texts. */
export function renderBook(value: Book): RingContent {
  const ring: KeyRingFile = {
    version: 1,
    signing: value.signing,
    keys: value.keys.map(({ id, key, use }) => ({ id, key, use })),
  };
  return {
    "ring.json": `${JSON.stringify(ring, undefined, 2)}\n`,
    "state.json": `${JSON.stringify(book.parse(value), undefined, 2)}\n`,
  };
}

/** Which gateways they are, in few characters. */
export function describeGateways(instances: readonly string[]): string {
  const names = JSON.stringify([...instances].sort());
  return createHash("sha256").update(names).digest("base64url").slice(0, 16);
}

/** Recognises a key that must not be kept. */
export function fingerprint(hex: string): string {
  return createHash("sha256").update(hex.toLowerCase(), "hex").digest("hex");
}
