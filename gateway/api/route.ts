import { z } from "zod";
import { listProblems, formatPath } from "../../common/config/issues.ts";
import { nearest } from "../../common/config/suggest.ts";
import { Problem } from "../problem.ts";
import type { Answer } from "./answer.ts";
import type { ApiKey } from "./keys.ts";

/** HEAD only where nothing is drawn. */
export type Method = "GET" | "HEAD" | "POST";

/** Who asks, as far as a route needs to know it. */
export interface Caller {
  readonly key: ApiKey;
  /** The best of the media types for what the client accepts; undefined when none is. */
  readonly accepts: (types: readonly string[]) => string | undefined;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

/** One path of the API: what it takes, what it gives, and how. The document is made from it. */
export interface Route<Query = never> {
  readonly path: string;
  readonly methods: readonly Method[];
  readonly summary: string;
  readonly query: z.ZodType<Query>;
  /** The 200's body by media type. */
  readonly gives: Readonly<Record<string, z.ZodType>>;
  readonly answer: (query: Query, caller: Caller) => Answer | Promise<Answer>;
}

/** A route with a query that its schema has taken; answers any number of callers. */
export type Prepared = (caller: Caller) => Answer | Promise<Answer>;

/** A route whose query has been bound to its schema: takes any query that came. */
export interface BoundRoute extends Omit<Route, "answer" | "query"> {
  readonly query: z.ZodType;
  /** @throws Problem 400 naming each parameter that is wrong, with the nearest right name */
  readonly prepare: (query: unknown) => Prepared;
}

export function bindRoute<Query>(route: Route<Query>): BoundRoute {
  const prepare = (query: unknown): Prepared => {
    const parsed = parseQuery(route.query, query);
    return (caller) => route.answer(parsed, caller);
  };
  return { ...route, prepare };
}

/** A query's parameter as a whole number; anything else that numbers can be written as is refused. */
export function wholeNumber({ min, max }: { min: number; max: number }) {
  const expected = `must be a whole number from ${min} to ${max}, given once`;
  return z
    .string(expected)
    .regex(/^(?:0|[1-9]\d{0,15})$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .meta({ type: "integer", minimum: min, maximum: max, pattern: undefined });
}

export function jsonAnswer(value: unknown): Answer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  // What is all ASCII can go out with its head in one write, as a text.
  const body = length === text.length ? text : Buffer.from(text);
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": length,
  };
  return { status: 200, headers, body: [body], release: () => undefined };
}

export function textAnswer(text: string): Answer {
  const headers = {
    "content-type": "text/plain; charset=us-ascii",
    "content-length": text.length,
  };
  return { status: 200, headers, body: [text], release: () => undefined };
}

function parseQuery<Query>(schema: z.ZodType<Query>, query: unknown): Query {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const problems = listProblems(parsed.error).map(({ path, message }) => {
    const guess = message === "unknown key" ? nearest(String(path[0]), names) : undefined;
    const text = message === "unknown key" ? "unknown parameter" : message;
    return `${formatPath(path)}${text}${guess === undefined ? "" : `; did you mean ${guess}?`}`;
  });
  throw new Problem(400, "ERR_QUERY", problems.join("; "));
}
