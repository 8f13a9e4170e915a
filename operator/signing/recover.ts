import { ConfigError } from "../../common/errors.ts";
import { maxRingKeys, parseKeyRingFile, type KeyRingFile } from "../../common/keys/keyRing.ts";
import { fingerprint, parseBook, type Book, type BookKey, type RingContent } from "./book.ts";
import { dateOf, keyOf, type Desk, type Draft } from "./draft.ts";
import { makeKeyId } from "./ringKey.ts";
import type { GivenKeys } from "./given.ts";

/**
 * The ring as its Secret has it, without what is revoked and with manual edits put right. Programs
 * have read ring.json, so a key that it adds or lets sign may be in use, and stays for the overlap;
 * what state.json knows beyond that comes back.
 *
 * | edit | what becomes of it |
 * | --- | --- |
 * | ring.json: no ring, or gone | programs refused it: written anew |
 * | ring.json: a key removed or changed | published again, as if new; a changed one under a new id |
 * | ring.json: a key added | kept for overlapSeconds |
 * | ring.json: another key signs | signs on, until the right one is published and reported |
 * | state.json: no book, or gone | all keys of ring.json are kept; its waits begin again |
 * | both | ConfigError: nobody knows the keys but the programs that run |
 * | the Secret deleted | a new ring |
 *
 * @throws ConfigError
 */
export function openRing(
  stored: Partial<RingContent>,
  given: GivenKeys | undefined,
  revokedKeyIds: readonly string[],
  desk: Desk,
): Draft {
  const { "ring.json": ringText, "state.json": bookText } = stored;
  const file = ringText === undefined ? undefined : readFile(ringText);
  const book = bookText === undefined ? undefined : parseBook(bookText);
  const isThere = ringText !== undefined || bookText !== undefined;
  if (isThere && file === undefined && book === undefined) {
    throw new ConfigError(
      "the Secret of the key ring holds none that can be read: restore ring.json from a backup, or delete the Secret to have new keys made",
    );
  }
  if (isThere && file === undefined) desk.note("RingRepaired", "ring.json held no key ring");
  if (isThere && book === undefined) desk.note("RingRepaired", "state.json was lost");
  const empty: Draft = {
    keys: [],
    signing: undefined,
    next: undefined,
    switched: dateOf(desk.now),
    revoked: [],
  };
  const revoked = listRevoked(revokedKeyIds, book, [
    ...(book?.keys ?? []),
    ...(file?.keys ?? []),
    ...(given ?? []),
  ]);
  const kept = revoke(book ?? empty, revoked, desk);
  return file === undefined ? kept : merge(kept, revokeFile(file, revoked), desk);
}

function readFile(text: string): KeyRingFile | undefined {
  try {
    return parseKeyRingFile(text);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Fingerprints of all keys that ever had a revoked id, as long as that is listed. */
function listRevoked(
  ids: readonly string[],
  book: Book | undefined,
  known: readonly { id: string | undefined; key: string }[],
): Book["revoked"] {
  const remembered = book?.revoked.filter(({ id }) => ids.includes(id)) ?? [];
  const found = known.flatMap(({ id, key }) =>
    id !== undefined && ids.includes(id) ? [{ id, sha256: fingerprint(key) }] : [],
  );
  const all = [...remembered, ...found];
  return all.filter(
    ({ sha256 }, index) => all.findIndex((other) => other.sha256 === sha256) === index,
  );
}

export function isRevoked(key: string, revoked: Book["revoked"]): boolean {
  const sha256 = fingerprint(key);
  return revoked.some((entry) => entry.sha256 === sha256);
}

function revoke(book: Draft | Book, revoked: Book["revoked"], desk: Desk): Draft {
  const keys = book.keys.filter(({ key }) => !isRevoked(key, revoked));
  for (const { id } of book.keys.filter((key) => !keys.includes(key))) {
    desk.note("KeyRevoked", `key ${id} is revoked and no longer accepted`);
  }
  const { switched } = book;
  const draft: Draft = { keys, signing: book.signing, next: book.next, switched, revoked };
  return {
    ...draft,
    signing: keyOf(draft, book.signing)?.id,
    next: keyOf(draft, book.next)?.id,
  };
}

function revokeFile(file: KeyRingFile, revoked: Book["revoked"]): KeyRingFile {
  return { ...file, keys: file.keys.filter(({ key }) => !isRevoked(key, revoked)) };
}

function merge(book: Draft, file: KeyRingFile, desk: Desk): Draft {
  const { now, random } = desk;
  const ids = new Map<string, string>();
  const known = book.keys.map((key): BookKey => {
    const written = file.keys.find(({ id }) => id === key.id);
    if (written !== undefined && isSame(written, key)) return key;
    // Gateways report by id: one that now stands for another key says nothing of this one.
    const id = written === undefined ? key.id : makeKeyId(random);
    ids.set(key.id, id);
    desk.note("RingRepaired", `key ${id} was missing in ring.json`);
    return { ...key, id, published: now.moment, reported: undefined };
  });
  const added = file.keys
    .filter(({ key }) => !known.some((other) => other.key === key.toLowerCase()))
    .map(({ key, use }): BookKey => {
      const id = makeKeyId(random);
      desk.note(
        "RingRepaired",
        `a key was added to ring.json; it is key ${id} until it is retired`,
      );
      const isKept = book.keys.length === 0 && use === "unbound"; // state.json was lost
      const left = isKept ? undefined : now.moment;
      return { id, key: key.toLowerCase(), use, created: dateOf(now), left };
    });
  const rename = (id: string | undefined) => (id === undefined ? id : (ids.get(id) ?? id));
  const merged: Draft = {
    ...book,
    keys: [...known, ...added],
    signing: rename(book.signing),
    next: rename(book.next),
  };
  return fit(followSigner(merged, file, desk), merged.signing);
}

function isSame(written: KeyRingFile["keys"][number], { key, use }: BookKey): boolean {
  return written.key.toLowerCase() === key && written.use === use && written.notAfter === undefined;
}

/** Who signs is what ring.json says, since collectors have read that. */
function followSigner(draft: Draft, file: KeyRingFile, desk: Desk): Draft {
  const named = file.keys.find(({ id }) => id === file.signing)?.key.toLowerCase();
  const signer = draft.keys.find(({ key }) => key === named);
  const before = draft.signing;
  if (signer === undefined || signer.id === before) return draft;
  const keys = draft.keys.map((key) => {
    if (key.id === signer.id) return { ...key, left: undefined, reported: undefined };
    return key.id === before ? { ...key, left: desk.now.moment } : key;
  });
  if (before !== undefined) desk.note("RingRepaired", "ring.json let another key sign");
  const next = draft.next === signer.id ? undefined : (draft.next ?? before);
  return { ...draft, keys, signing: signer.id, next };
}

/** Leaves out what is least likely to be in use where an edit has added more than a ring can hold. */
function fit(draft: Draft, before: string | undefined): Draft {
  if (draft.keys.length <= maxRingKeys) return draft;
  const rank = ({ id, left }: BookKey): number => {
    if (id === draft.signing) return Number.POSITIVE_INFINITY;
    return left?.seconds ?? -1; // the next key has never signed
  };
  const keys = [...draft.keys].sort((a, b) => rank(b) - rank(a)).slice(0, maxRingKeys);
  const fitting = { ...draft, keys };
  const next = keyOf(fitting, draft.next) ?? keyOf(fitting, before);
  return { ...fitting, next: next?.id === draft.signing ? undefined : next?.id };
}
