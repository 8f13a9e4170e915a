import { type Now, waitFrom } from "../moment.ts";
import {
  type Authorities,
  bundleOf,
  openAuthorities,
  retireOld,
  succeed,
  writeAuthorities,
} from "./authorities.ts";
import type { Leaf } from "./authority.ts";
import type { ReadCertificate } from "./inspect.ts";
import { renewLeaves } from "./leaves.ts";
import { authorityLives, dueAt } from "./validity.ts";

/**
 * A CA of a bridge and the leaves that it signs, renewed as one function of what is stored, the
 * names that are wanted and the time. There are two: one for servers (API and push port), one for
 * the clients of the push port. Nothing is kept but Secrets: the CA's (`AuthorityContent`), one per
 * leaf (`LeafContent`), and wherever verifiers read the bundle from.
 *
 *     two thirds      propagationSeconds     propagationSeconds after
 *     of its life     in every bundle        no leaf is its any more
 *     current ─────▶ current + next ───────▶ current + old ───────────▶ current
 *
 * All of them are in the bundle.
 *
 * - A leaf is issued anew at two thirds of its life, when its names or use differ from what is
 *   wanted, when the CA has changed, and when it cannot be read or key and certificate do not match.
 *   A changed certificateSeconds holds from the next time on; a longer one may bring that at once.
 * - A CA without its key (lost, or another's) is replaced in the same order: what it signed stays
 *   trusted, and new leaves wait. Where its certificate cannot be read or is none of ours, nobody
 *   knows what was trusted: there is another at once, and TLS fails between programs until each has
 *   read it. So too after its Secret was deleted.
 * - A bundle that lacks the next CA, or a stored leaf that the old one signed, makes the wait begin
 *   again; so the caller may fail or stop between any two writes. It writes the CA's Secret first,
 *   onto the version that it read.
 * - Clocks: waits are counted in moments that no clock moves (moment.ts). Renewal goes by the wall
 *   clock; validity.ts says why a wrong one does no harm.
 */
export interface ChainInput {
  readonly stored: StoredChain;
  readonly spec: ChainSpec;
  /** How long a changed Secret or ConfigMap takes to reach a program. */
  readonly propagationSeconds: number;
  readonly now: Now;
}

export interface ChainSpec {
  /** The CA's name; never changes for a bridge. */
  readonly name: string;
  readonly usage: Leaf["usage"];
  /** Verifiers accept no other host names from the CA; any when undefined. */
  readonly permittedNames?: readonly string[];
  /** The names of each leaf, by what the leaf is called. */
  readonly leaves: Readonly<Record<string, readonly string[]>>;
  /** A leaf's life; the CA's is ten times that. */
  readonly certificateSeconds: number;
}

/** The data of the CA's Secret, as text. Only the operator reads it. */
export type AuthorityContent = Partial<
  Readonly<Record<"ca.crt" | "ca.key" | "next.crt" | "next.key" | "old.crt" | "state.json", string>>
>;

/** The data of a leaf's Secret, as text. */
export interface LeafContent {
  readonly "tls.crt": string;
  readonly "tls.key": string;
}

/** What is there; empty where nothing is. */
export interface StoredChain {
  readonly authority: AuthorityContent;
  readonly leaves: Readonly<Record<string, Partial<LeafContent>>>;
  /** The text of each place that verifiers read the CAs from, empty where it is not there. */
  readonly bundles: readonly string[];
}

export interface Chain {
  readonly authority: AuthorityContent;
  /** By name; without those that cannot be issued before the next CA signs. */
  readonly leaves: Readonly<Record<string, LeafContent>>;
  /** PEM of all CAs that are to be trusted. */
  readonly bundle: string;
  /** What was decided this time, for events. */
  readonly steps: readonly ChainStep[];
  /** When the first of the leaves ends, for status; undefined without leaves. */
  readonly firstEnd: Date | undefined;
  /** Seconds until there may be something to do. */
  readonly lookAgain: number;
}

export interface ChainStep {
  readonly reason:
    | "AuthorityCreated"
    | "AuthorityPublished"
    | "AuthoritySwitched"
    | "AuthorityRetired"
    | "CertificateIssued";
  readonly message: string;
}

/** What every decision needs. */
export interface ChainDesk extends ChainInput {
  readonly note: (reason: ChainStep["reason"], message: string) => void;
}

/** Seconds between two looks while something has yet to be written. */
const retrySeconds = 10;
const longestSleep = 86_400;

export async function renewChain(input: ChainInput): Promise<Chain> {
  const steps: ChainStep[] = [];
  const desk = {
    ...input,
    note: (reason: ChainStep["reason"], message: string) => void steps.push({ reason, message }),
  };
  const opened = await openAuthorities(desk);
  const authorities = await succeed(retireOld(opened, desk), desk);
  const leaves = await renewLeaves(authorities, desk);
  const contents = [...leaves].map(([name, { certificate, key }]) => [
    name,
    { "tls.crt": certificate, "tls.key": key },
  ]);
  const ends = [...leaves.values()].map(({ parsed }) => parsed.validToDate.getTime());
  return {
    authority: writeAuthorities(authorities),
    leaves: Object.fromEntries(contents),
    bundle: bundleOf(authorities),
    steps,
    firstEnd: ends.length === 0 ? undefined : new Date(Math.min(...ends)),
    lookAgain: untilNext(authorities, [...leaves.values()], input),
  };
}

function untilNext(
  { current, next, old, published, replaced }: Authorities,
  leaves: readonly ReadCertificate[],
  { spec, propagationSeconds, now }: ChainInput,
): number {
  const waits = [
    ...(next === undefined ? [] : [published]),
    ...(old === undefined ? [] : [replaced]),
  ].map((since) =>
    since === undefined ? retrySeconds : waitFrom(since, propagationSeconds, now.moment).seconds,
  );
  const dues = [
    ...leaves.map(({ parsed }) => dueAt(parsed, spec.certificateSeconds)),
    dueAt(current.parsed, spec.certificateSeconds * authorityLives),
  ].flatMap((due) => (due > now.wall ? [(due - now.wall) / 1000] : []));
  return Math.max(1, Math.min(longestSleep, ...waits, ...dues));
}
