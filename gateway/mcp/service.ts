import type { Status } from "../status.ts";

/** Encodings that a JSON text can hold. */
export const textEncodings = ["hex", "base64", "base64url"] as const;
export type TextEncoding = (typeof textEncodings)[number];

/** Both ends included. */
export interface IntegerRange {
  readonly count: number;
  readonly min: bigint;
  readonly max: bigint;
}

/**
 * Where the tools draw from: the gateway that they are part of, or one that is reached over HTTP.
 * Each function throws a Problem when it cannot give what it is asked for; its signal aborts when
 * nobody waits any more.
 */
export interface RandomService {
  /** The bytes as one text. */
  bytes(count: number, encoding: TextEncoding, signal: AbortSignal): Promise<string>;
  /** Numbers while the whole range is exact in JSON, else decimal texts. */
  integers(range: IntegerRange, signal: AbortSignal): Promise<(number | string)[]>;
  floats(count: number, signal: AbortSignal): Promise<number[]>;
  uuids(count: number, signal: AbortSignal): Promise<string[]>;
  status(signal: AbortSignal): Promise<Status>;
}
