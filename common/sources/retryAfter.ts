/** A source is asked again within the hour, whatever it says. */
export const longestRetryAfter = 3_600_000;

const imfDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * A Retry-After header (RFC 9110, 10.2.3), in both its forms: whole seconds, or a date. The
 * obsolete forms of dates are not read.
 * @param now the wall clock, in milliseconds since the Unix epoch
 * @returns milliseconds from now, at most an hour; undefined when the header is missing or neither
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const wait = waitOf(header?.trim() ?? "", now);
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longestRetryAfter);
}

function waitOf(text: string, now: number): number {
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  return imfDate.test(text) ? Date.parse(text) - now : Number.NaN;
}
