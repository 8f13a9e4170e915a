import type { randomBytes } from "node:crypto";
import { ConfigError } from "../../common/errors.ts";
import type { Now } from "../moment.ts";
import { advance, retire, untilReady, type Waiting } from "./advance.ts";
import { type Book, renderBook, type RingContent } from "./book.ts";
import { chooseKeys, dueAt } from "./choose.ts";
import type { Desk, Draft, Step } from "./draft.ts";
import { type GivenKeys, parseGiven } from "./given.ts";
import { describeRing, type RingStatus } from "./describe.ts";
import { openRing } from "./recover.ts";
import type { KeySource, RingUsers, RotationTiming } from "./source.ts";

/**
 * The rotation of a bridge's signing keys, as one function of what is stored, what gateways report,
 * the time and the spec. It keeps nothing: the ring's Secret holds `ring.json` (for collector and
 * gateways, one document) and `state.json` (what is waited for), and calling it again from there,
 * after a restart or twice, goes on where it was. The caller writes the content as a whole and only
 * onto the version that it read (resourceVersion), so that of two operators one begins anew.
 *
 *     publish            switch              retire
 *     ───────▶ next ──────────────▶ signing ────────▶ left ───────▶ gone
 *                │  all gateways report it     another     overlapSeconds
 *                │  for 62 s, and              switches
 *                │  propagationSeconds
 *                ▼ no longer wanted: withdrawn at once, it never signed
 *
 * - A key is published when rotationSeconds are over, or `secretRef` gives another. If that goes
 *   back to one which is still in the ring, that key is next again, and waits only for reports.
 * - Why 62 s after the last report: see `settleSeconds`. A gateway that does not answer, or no
 *   gateway at all, holds the switch up for as long as it takes; the status names it. Nothing is
 *   lost meanwhile: the old key goes on.
 * - With the gateways elsewhere (CollectorOnly) only propagationSeconds count; with the collector
 *   elsewhere (GatewayOnly) all given keys are accepted, and one that is no longer given for
 *   overlapSeconds more.
 * - A ring has four keys at most. While it is full a new key waits for one to retire.
 * - revokedKeyIds drops a key at once, also one of `secretRef`. If it signed, the next key signs at
 *   once, or a new one. Until a gateway and the collector have both read that, pushes between them
 *   are refused (401); the collector signs those bytes anew after its window and clock_skew (90 s):
 *   they are late, not lost, and never taken twice.
 * - Clocks: waits are counted in moments that no clock moves (moment.ts). They begin again when the
 *   operator moves to another machine. The wall clock only decides when a rotation is due; a jump
 *   forwards brings one early, which is safe, and after one backwards the age counts from now.
 * - What manual edits do: see recover.ts.
 */
export interface RotationInput {
  /** The Secret's data, as text; empty where it is not there. */
  readonly stored: Partial<RingContent>;
  readonly source: KeySource;
  readonly users: RingUsers;
  readonly timing: RotationTiming;
  readonly revokedKeyIds: readonly string[];
  readonly now: Now;
  readonly random: typeof randomBytes;
}

export interface Rotation {
  /** The Secret's next data; the texts that were stored where nothing changes. */
  readonly content: RingContent;
  /** What was decided this time, for events. */
  readonly steps: readonly Step[];
  readonly status: RingStatus;
  /** Seconds until there may be something to do. */
  readonly lookAgain: number;
}

/** Seconds between two questions to gateways while a key waits for their reports. */
const pollSeconds = 10;
const longestSleep = 86_400;

/**
 * @throws ConfigError where there is no ring and none can be made, or the stored one is beyond
 * repair; the message says what to do and holds no key
 */
export function rotate(input: RotationInput): Rotation {
  const { stored, source, users, timing, now, random } = input;
  const steps: Step[] = [];
  const desk: Desk = { now, random, note: (reason, message) => steps.push({ reason, message }) };
  const { given, problem } = readSource(source);
  const isThere = stored["ring.json"] !== undefined || stored["state.json"] !== undefined;
  if (!isThere && problem !== undefined) throw new ConfigError(problem);
  const opened = openRing(stored, given, input.revokedKeyIds, desk);
  const sendersElsewhere = users.collector === "elsewhere";
  const kept = retire(opened, timing, desk); // first, since it may make room
  const choice = chooseKeys(kept, { source, given, sendersElsewhere }, desk);
  const { draft, waitsFor } = advance(choice.draft, users, timing, desk);
  const book = closeDraft(draft);
  return {
    content: renderBook(book),
    steps,
    status: describeRing(book, source, {
      waitsFor,
      needsRoom: choice.needsRoom === true,
      problem: problem ?? choice.problem,
    }),
    lookAgain: untilNext(book, waitsFor, input),
  };
}

function readSource(source: KeySource): { given?: GivenKeys; problem?: string } {
  if (source.from === "operator") return {};
  if (source.text === undefined) return { problem: "signing.secretRef: is not there" };
  try {
    return { given: parseGiven(source.text, source.use) };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error.message };
    throw error;
  }
}

/** A ring in which a key may sign, which every choice leaves. */
function closeDraft({ signing, ...rest }: Draft): Book {
  if (signing === undefined) throw new Error("no key was chosen to sign");
  return { version: 1, signing, ...rest };
}

function untilNext(
  book: Book,
  waitsFor: Waiting | undefined,
  { source, timing, now }: RotationInput,
): number {
  const times = [longestSleep, untilReady(book, timing, now) ?? longestSleep];
  if (waitsFor?.for === "gateways") times.push(pollSeconds);
  if (source.from === "operator" && source.rotationSeconds !== undefined) {
    const due = dueAt(book, source.rotationSeconds);
    if (due > now.wall) times.push((due - now.wall) / 1000);
  }
  return Math.max(1, Math.min(...times));
}
