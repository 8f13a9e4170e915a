import { z } from "zod";
import { moment, type Moment, waitFrom } from "../moment.ts";
import { createAuthority } from "./authority.ts";
import type { AuthorityContent, ChainDesk } from "./chain.ts";
import { isAuthority, isIssuedBy, readPair, type ReadCertificate } from "./inspect.ts";
import { authorityLives, authorityValidity, isDue } from "./validity.ts";

/** The authorities of a chain while they are decided on; all but `current` only during a change. */
export interface Authorities {
  /** The one that signs; without a key where that was lost. */
  readonly current: ReadCertificate;
  /** Signs next, once every verifier trusts it. */
  readonly next?: ReadCertificate | undefined;
  /** Signed before, and its leaves may still be shown. */
  readonly old?: ReadCertificate | undefined;
  /** Since when `next` is in every bundle. */
  readonly published?: Moment | undefined;
  /** Since when no stored leaf is one of `old`. */
  readonly replaced?: Moment | undefined;
}

const state = z.strictObject({ published: moment.optional(), replaced: moment.optional() });

/** The authorities that a Secret holds; makes the first where it holds none of ours. */
export async function openAuthorities(desk: ChainDesk): Promise<Authorities> {
  const { authority: stored } = desk.stored;
  const read = (certificate: string | undefined, key: string | undefined) => {
    const pair = readPair(certificate, key);
    return pair !== undefined && isAuthority(pair, desk.spec.name) ? pair : undefined;
  };
  const first = read(stored["ca.crt"], stored["ca.key"]);
  const second = read(stored["next.crt"], stored["next.key"]);
  const next = second?.key === undefined ? undefined : second;
  const old = read(stored["old.crt"], undefined);
  if (first !== undefined) return { current: first, next, old, ...readState(stored["state.json"]) };
  if (next !== undefined) {
    desk.note("AuthoritySwitched", "the CA could not be read; the next one signs at once");
    return { current: next, old };
  }
  const was = Object.keys(stored).length === 0 ? "there was none" : "it could not be read";
  desk.note("AuthorityCreated", `a CA was made, since ${was}`);
  return { current: await create(desk, undefined), old };
}

function readState(text: string | undefined): z.output<typeof state> {
  try {
    return state.parse(JSON.parse(text ?? "{}"));
  } catch {
    return {}; // its waits begin again
  }
}

async function create(
  { spec, now }: ChainDesk,
  before: ReadCertificate | undefined,
): Promise<ReadCertificate> {
  const life = spec.certificateSeconds * authorityLives;
  const { name, permittedNames } = spec;
  const validity = authorityValidity(before?.parsed, life, now.wall);
  const pair = await createAuthority({ name, permittedNames, ...validity });
  return readPair(pair.certificate, pair.key)!;
}

/** Drops the old CA once nobody shows a leaf of it any more. */
export function retireOld(authorities: Authorities, desk: ChainDesk): Authorities {
  const { current, old, replaced, ...others } = authorities;
  if (old === undefined) return { current, ...others };
  const { spec, stored, now, propagationSeconds } = desk;
  const isReplaced = Object.keys(spec.leaves).every((name) => {
    const leaf = readPair(stored.leaves[name]?.["tls.crt"], undefined);
    return leaf !== undefined && isIssuedBy(leaf, current);
  });
  if (!isReplaced) return { current, old, ...others };
  const wait = waitFrom(replaced ?? now.moment, propagationSeconds, now.moment);
  if (wait.seconds > 0) return { current, old, replaced: wait.since, ...others };
  desk.note("AuthorityRetired", "the CA before is no longer trusted");
  return { current, ...others };
}

/** Publishes a successor when one is due, and lets it sign when every verifier trusts it. */
export async function succeed(authorities: Authorities, desk: ChainDesk): Promise<Authorities> {
  const { current, next, old, replaced } = authorities;
  const { spec, stored, now, propagationSeconds } = desk;
  if (next === undefined) {
    const life = spec.certificateSeconds * authorityLives;
    const isWanted = current.key === undefined || isDue(current.parsed, life, now.wall);
    // One change at a time; but without a key this one would never end.
    const isFree = old === undefined || current.key === undefined;
    if (!isWanted || !isFree) return authorities;
    const why = current.key === undefined ? "the CA's key is lost" : "the CA is due";
    desk.note("AuthorityPublished", `another CA is to sign as soon as it is trusted: ${why}`);
    return { ...authorities, next: await create(desk, current) };
  }
  const pem = next.certificate.trim();
  const { bundles } = stored;
  const isPublished = bundles.length > 0 && bundles.every((bundle) => bundle.includes(pem));
  if (!isPublished) return { current, next, old, replaced };
  const wait = waitFrom(authorities.published ?? now.moment, propagationSeconds, now.moment);
  if (wait.seconds > 0) return { current, next, old, replaced, published: wait.since };
  desk.note("AuthoritySwitched", "the CA that was published signs from now on");
  return { current: next, old: old ?? { ...current, key: undefined } };
}

export function writeAuthorities(authorities: Authorities): AuthorityContent {
  const { current, next, old, published, replaced } = authorities;
  const texts: [keyof AuthorityContent, string | undefined][] = [
    ["ca.crt", current.certificate],
    ["ca.key", current.key],
    ["next.crt", next?.certificate],
    ["next.key", next?.key],
    ["old.crt", old?.certificate],
    ["state.json", `${JSON.stringify({ published, replaced })}\n`],
  ];
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

/** PEM of all that are to be trusted. */
export function bundleOf({ current, next, old }: Authorities): string {
  return [current, next, old].map((authority) => authority?.certificate ?? "").join("");
}
