import { z } from "zod";
import { url } from "../config/fields.ts";

const placeholder = "{bytes}";
const credentialName = /key|token|secret|passw|auth|credential|signature/i;

/** As `url`, with a query; `{bytes}` in the path or the query stands for the size of a fetch. */
export function sizedUrl() {
  return z
    .string()
    .max(2048)
    .superRefine((text, context) => {
      const problem = queryProblem(text);
      if (problem !== undefined)
        context.addIssue({ code: "custom", message: problem, continue: false });
    })
    .meta({ unit: "URL", range: "http or https" });
}

/** The URL that asks for so many bytes. */
export function withSize(text: string, bytes: number): URL {
  return new URL(text.replaceAll(placeholder, String(bytes)));
}

function queryProblem(text: string): string | undefined {
  const filled = text.replaceAll(placeholder, "1");
  if (/[{}]/.test(filled)) return `knows no placeholder but ${placeholder}`;
  const [base = "", query] = filled.split("?", 2);
  const issue = url().safeParse(base).error?.issues[0];
  if (issue !== undefined) return issue.message;
  if (filled.includes("#")) return "must not hold a fragment";
  if ([...new URLSearchParams(query).keys()].some((name) => credentialName.test(name))) {
    return "must not hold a credential, which logs on the way would keep; use auth_file";
  }
  const host = new URL(base).host;
  return new URL(text).host === host ? undefined : `must hold ${placeholder} after the host only`;
}
