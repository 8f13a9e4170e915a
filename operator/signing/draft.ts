import type { randomBytes } from "node:crypto";
import { maxRingKeys } from "../../common/keys/keyRing.ts";
import type { Now } from "../moment.ts";
import type { Book, BookKey } from "./book.ts";
import { makeKeyId, makeRingKey } from "./ringKey.ts";

/** A ring under decision: a book in which no key may sign yet, before the first and after a revocation. */
export interface Draft extends Omit<Book, "version" | "signing"> {
  readonly signing: string | undefined;
}

/** Something that was decided, for an event. */
export interface Step {
  readonly reason:
    | "KeyCreated"
    | "KeyPublished"
    | "KeySwitched"
    | "KeyWithdrawn"
    | "KeyRetired"
    | "KeyRevoked"
    | "RingRepaired";
  readonly message: string;
}

/** What every decision needs. */
export interface Desk {
  readonly now: Now;
  readonly random: typeof randomBytes;
  readonly note: (reason: Step["reason"], message: string) => void;
}

export const dateOf = ({ wall }: Now): string => new Date(wall).toISOString();

export function hasRoom({ keys }: Draft): boolean {
  return keys.length < maxRingKeys;
}

export function keyOf(draft: Draft, id: string | undefined): BookKey | undefined {
  return draft.keys.find((key) => key.id === id);
}

export function amend(draft: Draft, id: string, changes: Partial<BookKey>): Draft {
  const keys = draft.keys.map((key) => (key.id === id ? { ...key, ...changes } : key));
  return { ...draft, keys };
}

/**
 * Adds a key that programs have yet to read. Its id is new, even where the key was in the ring
 * before: a gateway that read an old ring must not seem to know it.
 */
export function publish(
  draft: Draft,
  given: Pick<BookKey, "key" | "use">,
  { now, random }: Desk,
): { draft: Draft; id: string } {
  const { key, use } = given;
  const id = makeKeyId(random);
  const added: BookKey = { id, key, use, created: dateOf(now), published: now.moment };
  return { draft: { ...draft, keys: [...draft.keys, added] }, id };
}

/** Publishes a key that nobody else has. */
export function publishNew(draft: Draft, use: BookKey["use"], desk: Desk) {
  return publish(draft, { key: makeRingKey(desk.random).key, use }, desk);
}

/** Lets another key sign from now on; the one before may still be in use. */
export function signWith(draft: Draft, id: string, { now }: Desk): Draft {
  if (draft.signing === id) return draft;
  const before = keyOf(draft, draft.signing);
  const left = before === undefined ? draft : amend(draft, before.id, { left: now.moment });
  return {
    ...amend(left, id, { left: undefined, reported: undefined, published: undefined }),
    signing: id,
    next: draft.next === id ? undefined : draft.next,
    switched: dateOf(now),
  };
}
