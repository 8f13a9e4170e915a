import type { GetAnswer } from "./boundedGet.ts";
import {
  retryAfter,
  retrySoon,
  retryWhenChanged,
  SourceError,
  type Retry,
  type SourceErrorCode,
} from "./source.ts";

/** What a status says of a source, and when to ask it again. */
export interface Meaning {
  readonly code: SourceErrorCode;
  readonly text: string;
  readonly retry: Retry;
}

/** The statuses that an interface's documentation names. */
export type Meanings = Readonly<Record<number, Meaning>>;

const minute = 60_000;

/** For an interface whose documentation names none. */
const commonMeanings: Meanings = {
  400: {
    code: "ERR_SOURCE_STATUS",
    text: "calls the request wrong (400): url and fetch_chunk_size",
    retry: retryWhenChanged,
  },
  401: {
    code: "ERR_SOURCE_CREDENTIAL",
    text: "wants another credential (401)",
    retry: retryWhenChanged,
  },
  // Not for good: an allow list, a plan or an allotment is mended at the provider's.
  403: {
    code: "ERR_SOURCE_CREDENTIAL",
    text: "does not let the credential, or this address, have bytes (403)",
    retry: retryAfter(minute),
  },
  404: {
    code: "ERR_SOURCE_STATUS",
    text: "knows nothing under that url (404)",
    retry: retrySoon,
  },
  429: { code: "ERR_SOURCE_LIMIT", text: "was asked too often (429)", retry: retryAfter(minute) },
  503: { code: "ERR_SOURCE_STATUS", text: "has no bytes now (503)", retry: retrySoon },
};

/**
 * Passes a 200.
 * @throws SourceError for any other status: as documented, else as is common; a Retry-After makes
 * the wait longer, never shorter
 */
export function requireOk(answer: GetAnswer, documented: Meanings = {}): void {
  const { status } = answer;
  if (status === 200) return;
  answer.body.fill(0);
  const { code, text, retry } = documented[status] ?? commonMeanings[status] ?? unnamed(status);
  throw new SourceError(code, text, { retry: atLeast(retry, answer.retryAfter ?? 0) });
}

/** The same advice, but no earlier than after so many milliseconds. */
export function atLeast(retry: Retry, milliseconds: number): Retry {
  if (retry.when === "changed" || milliseconds === 0) return retry;
  const own = retry.when === "later" ? retry.afterMilliseconds : 0;
  return retryAfter(Math.max(own, milliseconds));
}

function unnamed(status: number): Meaning {
  const redirect = status >= 300 && status <= 399;
  const text = redirect
    ? `answers with a redirect (${status}), which is not followed; give the url that it leads to`
    : `answers with status ${status}`;
  return { code: "ERR_SOURCE_STATUS", text, retry: retrySoon };
}
