import type { BookKey } from "./book.ts";
import {
  dateOf,
  hasRoom,
  keyOf,
  publish,
  publishNew,
  signWith,
  type Desk,
  type Draft,
} from "./draft.ts";
import type { GivenKey, GivenKeys } from "./given.ts";
import { isRevoked } from "./recover.ts";
import type { KeySource, OwnKeys } from "./source.ts";

/** A clock this far behind the last switch was set back since, or ahead then; milliseconds. */
const toleratedStep = 60_000;

export interface Choice {
  readonly draft: Draft;
  /** Whether the key that is to sign next waits until another has left the ring. */
  readonly needsRoom?: boolean;
  /** What a user has to put right. */
  readonly problem?: string;
}

export interface ChoiceOptions {
  readonly source: KeySource;
  /** What `source` gives; undefined while nobody can say, so that no key enters or leaves the ring. */
  readonly given: GivenKeys | undefined;
  /** Whether others than the bridge's own collector sign with the ring's keys. */
  readonly sendersElsewhere: boolean;
}

/** Puts the keys into the ring that belong there and says which is to sign next. */
export function chooseKeys(draft: Draft, options: ChoiceOptions, desk: Desk): Choice {
  const { source, given } = options;
  if (source.from === "operator") return chooseOwn(draft, source, desk);
  if (given === undefined) return { draft: ensureSigning(draft, desk) };
  return chooseGiven(draft, given, options.sendersElsewhere, desk);
}

/** Without a key that may sign: the next one at once, or one that nobody else has. */
function ensureSigning(draft: Draft, desk: Desk): Draft {
  if (draft.signing !== undefined) return draft;
  const { next } = draft;
  if (next !== undefined) {
    desk.note("KeySwitched", `key ${next} signs at once`);
    return signWith(draft, next, desk);
  }
  const made = publishNew(draft, "bound", desk);
  desk.note("KeyCreated", `key ${made.id} was made and signs at once`);
  return signWith(made.draft, made.id, desk);
}

function chooseOwn(before: Draft, source: OwnKeys, desk: Desk): Choice {
  const { rotationSeconds, unbound } = source;
  let draft = ensureUnbound(followClock(ensureSigning(before, desk), desk), unbound, desk);
  const isDue =
    keyOf(draft, draft.signing)?.use !== "bound" || // was given for v1 peers
    (rotationSeconds !== undefined && dueAt(draft, rotationSeconds) <= desk.now.wall);
  if (isDue && draft.next === undefined && hasRoom(draft)) {
    const made = publishNew(draft, "bound", desk);
    desk.note("KeyPublished", `key ${made.id} was made and is to sign next`);
    draft = { ...made.draft, next: made.id };
  }
  const isWanted = ({ use, left }: BookKey) => unbound && use === "unbound" && left === undefined;
  draft = leaveKeys(draft, isWanted, undefined, desk);
  return { draft, needsRoom: isDue && draft.next === undefined };
}

/** When the signing key is due to be replaced, in milliseconds since the Unix epoch. */
export function dueAt({ switched }: Pick<Draft, "switched">, rotationSeconds: number): number {
  return Date.parse(switched) + rotationSeconds * 1000;
}

/** A switch in the future would put off the next rotation by as much. */
function followClock(draft: Draft, { now }: Desk): Draft {
  const isAhead = Date.parse(draft.switched) > now.wall + toleratedStep;
  return isAhead ? { ...draft, switched: dateOf(now) } : draft;
}

/** v1 senders are given a key by hand, so that one is never replaced but by revoking it. */
function ensureUnbound(draft: Draft, unbound: boolean, desk: Desk): Draft {
  const isThere = draft.keys.some(
    ({ use, id, left }) => use === "unbound" && id !== draft.signing && left === undefined,
  );
  if (!unbound || isThere || !hasRoom(draft)) return draft;
  const made = publishNew(draft, "unbound", desk);
  desk.note("KeyCreated", `key ${made.id} was made for v1 senders`);
  return made.draft;
}

function chooseGiven(
  before: Draft,
  given: GivenKeys,
  sendersElsewhere: boolean,
  desk: Desk,
): Choice {
  const usable = given.filter(({ key }) => !isRevoked(key, before.revoked));
  if (before.keys.some((known) => usable.some((given) => isOtherUse(known, given)))) {
    const problem =
      "signing.secretRef: gives a key of the ring for another use than before: put a new key there";
    return { draft: ensureSigning(before, desk), problem };
  }
  const isGiven = ({ key }: BookKey) => usable.some((given) => given.key === key);
  const isSignable = usable[0] === given[0];
  const withNext = (draft: Draft): Draft => {
    const target = isSignable ? draft.keys.find(({ key }) => key === given[0].key) : undefined;
    return { ...draft, next: target?.id === draft.signing ? undefined : target?.id };
  };
  const unsigned = sendersElsewhere ? undefined : before.next;
  let draft = leaveKeys(withNext(before), isGiven, unsigned, desk); // may make room
  for (const key of usable) draft = place(draft, key, desk);
  draft = withNext(draft);
  draft = ensureSigning(draft, desk);
  if (isSignable) return { draft, needsRoom: !draft.keys.some(({ key }) => key === given[0].key) };
  const problem =
    "signing.secretRef: gives a key to sign with that signing.revokedKeyIds names: put a new key there, under a new id";
  return { draft, problem };
}

function isOtherUse(known: BookKey, given: GivenKey): boolean {
  return known.key === given.key && known.use !== given.use;
}

/** Publishes a given key that is not in the ring yet, where there is room. */
function place(draft: Draft, given: GivenKey, desk: Desk): Draft {
  const isThere = draft.keys.some(({ key }) => key === given.key);
  if (isThere || !hasRoom(draft)) return draft;
  const added = publish(draft, given, desk);
  desk.note("KeyPublished", `key ${added.id} of signing.secretRef was published`);
  return added.draft;
}

/**
 * Marks keys that are neither wanted nor to sign as left. One that was to sign and never did is
 * dropped at once.
 */
function leaveKeys(
  draft: Draft,
  isWanted: (key: BookKey) => boolean,
  unsigned: string | undefined,
  desk: Desk,
): Draft {
  const keys = draft.keys.flatMap((key): BookKey[] => {
    if (key.id === draft.signing || key.id === draft.next) return [key];
    if (isWanted(key)) return [{ ...key, left: undefined }];
    if (key.left !== undefined) return [key];
    if (key.id !== unsigned) return [{ ...key, left: desk.now.moment }];
    desk.note("KeyWithdrawn", `key ${key.id} is no longer wanted and never signed`);
    return [];
  });
  return { ...draft, keys };
}
