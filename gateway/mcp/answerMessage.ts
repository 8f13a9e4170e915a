import type { IncomingHttpHeaders } from "node:http";
import type { Answer } from "../api/answer.ts";
import { answerPlainCall } from "./plainCall.ts";
import { answerBySdk } from "./sdkAnswer.ts";
import type { ToolDeps } from "./tool.ts";

/**
 * What is answered to a post: by the short way where it will do.
 * @param left aborts when the client has left
 */
export function answerMessage(
  headers: IncomingHttpHeaders,
  body: string,
  deps: ToolDeps,
  left: () => AbortSignal,
): Promise<Answer> {
  return answerPlainCall(headers, body, deps) ?? answerBySdk(headers, body, deps, left());
}
