import { BridgeError } from "../errors.ts";
import type { WatchedFiles } from "./watchedFiles.ts";

export type SourceErrorCode =
  | "ERR_SOURCE_UNREACHABLE"
  | "ERR_SOURCE_TIMEOUT"
  | "ERR_SOURCE_TLS"
  | "ERR_SOURCE_STATUS"
  | "ERR_SOURCE_CREDENTIAL"
  | "ERR_SOURCE_LIMIT"
  | "ERR_SOURCE_FORMAT"
  | "ERR_SOURCE_LENGTH"
  | "ERR_SOURCE_REPEATED"
  | "ERR_SOURCE_SIMULATED";

export const sourceErrorCodes: readonly SourceErrorCode[] = [
  "ERR_SOURCE_UNREACHABLE",
  "ERR_SOURCE_TIMEOUT",
  "ERR_SOURCE_TLS",
  "ERR_SOURCE_STATUS",
  "ERR_SOURCE_CREDENTIAL",
  "ERR_SOURCE_LIMIT",
  "ERR_SOURCE_FORMAT",
  "ERR_SOURCE_LENGTH",
  "ERR_SOURCE_REPEATED",
  "ERR_SOURCE_SIMULATED",
];

/** When it makes sense to ask a source again. */
export type Retry =
  /** As the backoff has it. */
  | { readonly when: "soon" }
  /** The same, but not before so many milliseconds are over. */
  | { readonly when: "later"; readonly afterMilliseconds: number }
  /** Not before its credential, a certificate or the config is another one. */
  | { readonly when: "changed" };

export const retrySoon: Retry = { when: "soon" };
export const retryWhenChanged: Retry = { when: "changed" };

export function retryAfter(milliseconds: number): Retry {
  return { when: "later", afterMilliseconds: milliseconds };
}

/** A fetch that gave no bytes. The message says what to do and quotes nothing that was answered. */
export class SourceError extends BridgeError {
  override readonly code: SourceErrorCode;
  readonly retry: Retry;

  constructor(
    code: SourceErrorCode,
    message: string,
    { retry = retrySoon, ...options }: ErrorOptions & { readonly retry?: Retry } = {},
  ) {
    super(code, message, options);
    this.code = code;
    this.retry = retry;
  }
}

/**
 * One fetch.
 * @returns exactly as many bytes as asked for
 * @throws SourceError
 */
export type Fetch = (signal: AbortSignal) => Promise<Buffer>;

/** A place that random bytes come from. */
export interface Source {
  readonly name: string;
  /** How many bytes one fetch brings. */
  readonly chunkBytes: number;
  /** What `retry: changed` waits for; undefined when it reads no file, so that only a restart helps. */
  readonly watched?: WatchedFiles | undefined;
  /** Gives exactly `chunkBytes` bytes, never given before by this call's request. */
  readonly fetch: Fetch;
  close(): void;
}
