import { STATUS_CODES } from "node:http";
import { BridgeError } from "../common/errors.ts";

/** An answer that is an error (RFC 9457). Its detail is ours and quotes nothing that was sent. */
export class Problem extends BridgeError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, detail);
    this.status = status;
    this.headers = headers;
  }
}

export const problemType = "application/problem+json";

/** The body: `type` is about:blank, so `title` is the status's own phrase. */
export function problemBody({ status, code, message }: Problem): string {
  const title = STATUS_CODES[status] ?? "Error";
  return JSON.stringify({ type: "about:blank", title, status, code, detail: message });
}
