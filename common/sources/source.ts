import { BridgeError } from "../errors.ts";

export type SourceErrorCode =
  | "ERR_SOURCE_UNREACHABLE"
  | "ERR_SOURCE_TIMEOUT"
  | "ERR_SOURCE_TLS"
  | "ERR_SOURCE_STATUS"
  | "ERR_SOURCE_FORMAT"
  | "ERR_SOURCE_LENGTH"
  | "ERR_SOURCE_REPEATED"
  | "ERR_SOURCE_SIMULATED";

export const sourceErrorCodes: readonly SourceErrorCode[] = [
  "ERR_SOURCE_UNREACHABLE",
  "ERR_SOURCE_TIMEOUT",
  "ERR_SOURCE_TLS",
  "ERR_SOURCE_STATUS",
  "ERR_SOURCE_FORMAT",
  "ERR_SOURCE_LENGTH",
  "ERR_SOURCE_REPEATED",
  "ERR_SOURCE_SIMULATED",
];

/** A fetch that gave no bytes. The message says what to do and quotes nothing that was answered. */
export class SourceError extends BridgeError {
  override readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.code = code;
  }
}

/** A place that random bytes come from. */
export interface Source {
  readonly name: string;
  /** How many bytes one fetch brings. */
  readonly chunkBytes: number;
  /**
   * @returns exactly `chunkBytes` bytes, never given before by this call's request
   * @throws SourceError
   */
  fetch(signal: AbortSignal): Promise<Buffer>;
  close(): void;
}
