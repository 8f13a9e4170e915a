import { z } from "zod";
import { BridgeError, errorCode } from "../../common/errors.ts";
import { describeCall, type ApiCall } from "./resources.ts";

export type ApiErrorCode =
  /** No connection, or it ended before the answer did. */
  | "ERR_API_UNREACHABLE"
  | "ERR_API_TIMEOUT"
  /** An answer that is not what the API promises, or is too large. */
  | "ERR_API_FORMAT"
  /** Given up by the caller's signal. */
  | "ERR_API_ABORTED"
  /** Not sent: this process may not write (any more). */
  | "ERR_API_FENCED"
  | "ERR_API_UNAUTHORIZED"
  | "ERR_API_FORBIDDEN"
  | "ERR_API_NOT_FOUND"
  | "ERR_API_EXISTS"
  | "ERR_API_CONFLICT"
  /** What was asked for is no longer kept: list again. */
  | "ERR_API_EXPIRED"
  /** The object is refused as it is; the same again would be refused again. */
  | "ERR_API_INVALID"
  | "ERR_API_OVERLOADED"
  /** The API server's own failure (5xx), or a status that is not known here. */
  | "ERR_API_SERVER";

export interface ApiErrorDetails extends ErrorOptions {
  readonly call?: ApiCall;
  readonly status?: number;
  readonly reason?: string | undefined;
  readonly text?: string | undefined;
  readonly retryAfter?: number | undefined;
}

export class ApiError extends BridgeError {
  declare readonly code: ApiErrorCode;
  /** What failed, for those who say which grant is missing. */
  readonly call: ApiCall | undefined;
  /** HTTP's, where there was an answer. */
  readonly status: number | undefined;
  /** The `reason` of the API's Status object, such as `Forbidden`. */
  readonly reason: string | undefined;
  /**
   * The API server's own words. They may quote the object, so they belong into no log; a status
   * that shows them must know that the object held no secret.
   */
  readonly text: string | undefined;
  /** Milliseconds that the server asked to wait. */
  readonly retryAfter: number | undefined;

  /** @param message what went wrong; the call is named before it */
  constructor(code: ApiErrorCode, message: string, details: ApiErrorDetails = {}) {
    const { call, cause } = details;
    const text = call === undefined ? message : `${describeCall(call)}: ${message}`;
    super(code, text, cause === undefined ? undefined : { cause });
    this.call = call;
    this.status = details.status;
    this.reason = details.reason;
    this.text = details.text;
    this.retryAfter = details.retryAfter;
  }
}

const codes: Readonly<Record<number, ApiErrorCode>> = {
  400: "ERR_API_INVALID",
  401: "ERR_API_UNAUTHORIZED",
  403: "ERR_API_FORBIDDEN",
  404: "ERR_API_NOT_FOUND",
  409: "ERR_API_CONFLICT",
  410: "ERR_API_EXPIRED",
  413: "ERR_API_INVALID",
  415: "ERR_API_INVALID",
  422: "ERR_API_INVALID",
  429: "ERR_API_OVERLOADED",
};

const StatusBody = z.looseObject({
  code: z.int().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

const publicReason = /^[A-Za-z]{1,64}$/;

/**
 * The error of a Status object: https://kubernetes.io/docs/reference/using-api/api-concepts/
 * @param status HTTP's; a Status object in a watch brings its own instead
 */
export function statusError(
  call: ApiCall,
  status: number | undefined,
  body: unknown,
  retryAfter?: number,
): ApiError {
  const parsed = StatusBody.safeParse(body).data ?? {};
  const found = status ?? parsed.code ?? 500;
  const reason =
    parsed.reason !== undefined && publicReason.test(parsed.reason) ? parsed.reason : undefined;
  const code = reason === "AlreadyExists" ? "ERR_API_EXISTS" : (codes[found] ?? "ERR_API_SERVER");
  return new ApiError(code, `${found} ${reason ?? ""}`.trimEnd(), {
    call,
    status: found,
    reason,
    text: parsed.message?.slice(0, 2048),
    retryAfter,
  });
}

/** The error of a connection, as ours. */
export function connectionError(call: ApiCall, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const code = errorCode(error) ?? "unknown";
  return new ApiError("ERR_API_UNREACHABLE", `no answer (${code})`, { call, cause: error });
}

export function hasCode(error: unknown, ...codes: readonly ApiErrorCode[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}
