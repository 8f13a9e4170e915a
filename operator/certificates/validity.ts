import type { X509Certificate } from "node:crypto";
import type { Validity } from "./authority.ts";

/** For clocks that are behind. */
const backMilliseconds = 3_600_000;

/** A CA lives this many times as long as its leaves. */
export const authorityLives = 10;

type Dates = Pick<X509Certificate, "validFromDate" | "validToDate">;

/** Whether two thirds of a life are over, or it has not begun: then a clock was set back. */
export function isDue(current: Dates, lifeSeconds: number, now: number): boolean {
  return now >= dueAt(current, lifeSeconds) || now < current.validFromDate.getTime();
}

/** When two thirds of a life are over, in milliseconds since the Unix epoch. */
export function dueAt({ validToDate }: Dates, lifeSeconds: number): number {
  return validToDate.getTime() - (lifeSeconds * 1000) / 3;
}

/** The longest that every verifier takes from a server: Apple's stop at 825 days. */
const longestLeaf = 825 * 86_400_000;

/**
 * The life of a leaf that replaces another. It covers that one's: so it is good at once even where
 * this clock is wrong, and renews too early or believes that the one before has not begun.
 */
export function leafValidity(
  before: Dates | undefined,
  lifeSeconds: number,
  now: number,
  issuer: Dates,
): Validity {
  const { notBefore, notAfter } = covering(before, lifeSeconds, now);
  const end = Math.min(notAfter, issuer.validToDate.getTime());
  const begin = Math.max(notBefore, end - longestLeaf);
  // An issuer that has ended gives no more than a past.
  return wholeSeconds(Math.min(begin, now - backMilliseconds, end - backMilliseconds), end);
}

/** The life of a CA that replaces another, likewise. */
export function authorityValidity(
  before: Dates | undefined,
  lifeSeconds: number,
  now: number,
): Validity {
  const { notBefore, notAfter } = covering(before, lifeSeconds, now);
  return wholeSeconds(notBefore, notAfter);
}

function covering(before: Dates | undefined, lifeSeconds: number, now: number) {
  const begin = now - backMilliseconds;
  const end = now + lifeSeconds * 1000;
  return {
    notBefore: Math.min(begin, before?.validFromDate.getTime() ?? begin),
    notAfter: Math.max(end, before?.validToDate.getTime() ?? end),
  };
}

/** As certificates have them. */
function wholeSeconds(begin: number, end: number): Validity {
  const [notBefore, notAfter] = [begin, end].map(
    (milliseconds) => new Date(Math.floor(milliseconds / 1000) * 1000),
  ) as [Date, Date];
  return { notBefore, notAfter };
}
