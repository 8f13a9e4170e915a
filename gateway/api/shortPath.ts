import type { IncomingMessage, ServerResponse } from "node:http";
import { parse } from "node:querystring";
import type { Logger } from "../../common/log/logger.ts";
import { after } from "../limit/limit.ts";
import { Problem } from "../problem.ts";
import { sendAnswer, type Answer } from "./answer.ts";
import type { FindKey } from "./authenticate.ts";
import { corsHeaders, type Headers } from "./headers.ts";
import type { ApiKey } from "./keys.ts";
import { chargeRequest, limitHeaders } from "./limits.ts";
import { asProblem, problemAnswer } from "./problems.ts";
import type { BoundRoute, Caller, Prepared } from "./route.ts";
import type { Traffic } from "./traffic.ts";

export interface ShortPathOptions {
  readonly routes: readonly BoundRoute[];
  readonly findKey: FindKey;
  /** On every answer. */
  readonly standing: Readonly<Record<string, string>>;
  readonly corsOrigins: readonly string[];
  readonly traffic: Traffic;
  /** Called for each answer that a key was charged for. */
  readonly onServed: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Serves the request, or leaves it as it is and says false. */
export type ShortPath = (request: IncomingMessage, response: ServerResponse) => boolean;

/** URLs that are kept with what they ask for; each is asked for again and again, as a rule. */
const maxUrls = 1_024;
const maxUrlLength = 256;

interface Asked {
  readonly path: string;
  readonly answer: Prepared;
}

/**
 * The way of plain requests past Koa, which takes two thirds of the time of a small draw: a GET of a
 * route with a right query, a right key in a header, and no choice of media types. It asks the same
 * functions as Koa's routes; whatever is not plain, above all what is wrong, is Koa's to answer.
 */
export function createShortPath(options: ShortPathOptions): ShortPath {
  const { findKey, standing, corsOrigins, traffic, onServed, now, log } = options;
  const findAsked = createFinder(options.routes);
  const standingFor = ({ headers }: IncomingMessage): Headers =>
    corsOrigins.length === 0 ? standing : { ...standing, ...corsHeaders(headers, corsOrigins) };

  return (request, response) => {
    if (request.method !== "GET" || !acceptsAll(request)) return false;
    const asked = findAsked(request.url ?? "");
    const key = asked && findKey(request.headers);
    if (asked === undefined || key === undefined) return false;

    const startedAt = now();
    const send = (answer: Answer): void => {
      const release = (): void => {
        answer.release();
        traffic.add(asked.path, answer.status, (now() - startedAt) / 1000);
      };
      const limits = limitHeaders(key, now());
      sendAnswer(response, { ...answer, release }, standingFor(request), limits);
    };
    const succeed = (answer: Answer): void => {
      send(answer);
      onServed();
    };
    const fail = (error: unknown): void => send(problemAnswer(asProblem(error, log)));
    try {
      const caller = new PlainCaller(key, response);
      const answer = after(chargeRequest(key, startedAt), () => asked.answer(caller));
      if (answer instanceof Promise) answer.then(succeed, fail);
      else succeed(answer);
    } catch (error) {
      fail(error);
    }
    return true;
  };
}

/** Whether a choice of media types need not be weighed: the first one will do. */
function acceptsAll({ headers: { accept } }: IncomingMessage): boolean {
  return accept === undefined || accept === "*/*";
}

class PlainCaller implements Caller {
  readonly key: ApiKey;
  readonly #response: ServerResponse;
  #left: AbortController | undefined;

  constructor(key: ApiKey, response: ServerResponse) {
    this.key = key;
    this.#response = response;
  }

  accepts(types: readonly string[]): string | undefined {
    return types[0];
  }

  /** Made when it is asked for: few wait. */
  get signal(): AbortSignal {
    if (this.#left === undefined) {
      const left = new AbortController();
      this.#left = left;
      const leave = (): void => {
        if (!this.#response.writableFinished) left.abort();
      };
      if (this.#response.closed) leave();
      else this.#response.once("close", leave);
    }
    return this.#left.signal;
  }
}

/** Finds what a URL asks for; undefined where it is no route's, or its query is not right. */
function createFinder(routes: readonly BoundRoute[]): (url: string) => Asked | undefined {
  const byPath = new Map(
    routes.filter(({ methods }) => methods.includes("GET")).map((route) => [route.path, route]),
  );
  const known = new Map<string, Asked>();

  const read = (url: string): Asked | undefined => {
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const route = byPath.get(path);
    if (route === undefined) return undefined;
    const query = mark < 0 ? {} : parse(url.slice(mark + 1));
    if ("api_key" in query) return undefined; // keys are not kept
    try {
      return { path, answer: route.prepare(query) };
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  };

  return (url) => {
    const before = known.get(url);
    if (before !== undefined || url.length > maxUrlLength) return before;
    const asked = read(url);
    if (asked === undefined) return undefined;
    if (known.size >= maxUrls) known.clear();
    known.set(url, asked);
    return asked;
  };
}
