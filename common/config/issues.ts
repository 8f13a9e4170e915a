import type { z } from "zod";

type Path = readonly PropertyKey[];

export interface Problem {
  /** Where: keys and list positions. */
  readonly path: Path;
  readonly message: string;
}

/** One line for people from a zod error; zod's messages name kinds and bounds, never values. */
export function describeIssues(error: z.ZodError): string {
  return listProblems(error)
    .map((problem) => `${formatPath(problem.path)}${problem.message}`)
    .join("; ");
}

/** Every problem, with an unknown key as a problem at that key. */
export function listProblems(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: "unknown key" }))
      : [{ path: issue.path, message: plainly(issue.message) }],
  );
}

function plainly(message: string): string {
  return message.replace(/^Invalid input: expected \w+, received undefined$/, "is missing");
}

/** `sources[0].url: `, or nothing for the whole. */
export function formatPath(path: Path): string {
  if (path.length === 0) return "";
  const text = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${showKey(step)}`));
  return `${text.join("").replace(/^\./, "")}: `;
}

/**
 * A key as it may be printed: a name, else only its length, since it could be a misplaced secret.
 * Those have 22 characters or more (an API key's least), so a long name must consist of words.
 */
export function showKey(key: PropertyKey): string {
  const text = String(key);
  const isName = text.length < 22 ? name.test(text) : text.length <= 40 && words.test(text);
  return isName ? text : `(a key of ${text.length} characters)`;
}

const name = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** In snake or camel case, with digits only near the end, such as `_sha256s`. */
const words = /^[a-z]{2,14}(?:_[a-z]{2,14}|[A-Z][a-z]{2,14})*(?:\d{1,3}s?)?$/;
