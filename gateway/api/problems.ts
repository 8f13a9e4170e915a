import type { Logger } from "../../common/log/logger.ts";
import { Problem, problemBody, problemType } from "../problem.ts";
import type { Answer } from "./answer.ts";
import { tooMany } from "./limits.ts";

/** What was thrown, as it may be answered: only what was written for clients goes out. */
export function asProblem(error: unknown, log: Logger): Problem {
  if (error instanceof Problem) return error;
  if (typeof error === "object" && error !== null && "status" in error && error.status === 429) {
    const headers = "headers" in error ? (error.headers as Record<string, unknown>) : {};
    const wait = Number(headers["Retry-After"] ?? 1);
    return tooMany("too many requests without a right key from this address", wait * 1000);
  }
  log.error({ error }, "a request failed");
  return new Problem(500, "ERR_INTERNAL", "the request failed; the gateway's log says where");
}

export function problemAnswer(problem: Problem): Answer {
  const body = problemBody(problem);
  const headers = {
    ...problem.headers,
    "content-type": problemType,
    "content-length": Buffer.byteLength(body),
  };
  return { status: problem.status, headers, body: [Buffer.from(body)], release: () => undefined };
}
