import type { IncomingMessage, ServerResponse } from "node:http";
import { parse } from "node:querystring";
import type { Logger } from "../../common/log/logger.ts";
import { after } from "../limit/limit.ts";
import { Problem } from "../problem.ts";
import { sendAnswer, type Answer } from "./answer.ts";
import type { FindKey } from "./authenticate.ts";
import type { CountRequest, Endpoint } from "./endpoint.ts";
import { corsHeaders, type Headers } from "./headers.ts";
import { chargeRequest, limitHeaders } from "./limits.ts";
import { PlainCaller } from "./plainCaller.ts";
import { asProblem, problemAnswer } from "./problems.ts";
import type { BoundRoute, Caller } from "./route.ts";
import type { Traffic } from "./traffic.ts";

export interface ShortPathOptions {
  readonly routes: readonly BoundRoute[];
  readonly endpoints: readonly Endpoint[];
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

interface Exchange {
  readonly request: IncomingMessage;
  readonly caller: Caller;
  readonly count: CountRequest;
}

/** What a plain request asks for. */
interface Asked {
  readonly path: string;
  /** @throws Problem */
  readonly answer: (exchange: Exchange) => Answer | Promise<Answer>;
}

/**
 * The way of plain requests past Koa, which takes two thirds of the time of a small draw: a GET of a
 * route with a right query and no choice of media types, or what an endpoint takes, with a right key
 * in a header. It asks the same functions as Koa's routes; whatever is not plain, above all what is
 * wrong, is Koa's to answer.
 */
export function createShortPath(options: ShortPathOptions): ShortPath {
  const { findKey, standing, corsOrigins, traffic, now, log } = options;
  const findRoute = createRouteFinder(options);
  const findEndpoint = createEndpointFinder(options.endpoints);
  const standingFor = ({ headers }: IncomingMessage): Headers =>
    corsOrigins.length === 0 ? standing : { ...standing, ...corsHeaders(headers, corsOrigins) };
  const find = (request: IncomingMessage): Asked | undefined => {
    const { method = "", url = "" } = request;
    if (method !== "GET") return findEndpoint(method, url);
    return acceptsAll(request) ? findRoute(url) : undefined;
  };

  return (request, response) => {
    const asked = find(request);
    const key = asked && findKey(request.headers);
    if (asked === undefined || key === undefined) return false;

    const startedAt = now();
    let isCounted = false;
    const count = (status: number, seconds: number): void => {
      isCounted = true;
      traffic.add(asked.path, status, seconds);
    };
    const send = (answer: Answer): void => {
      const release = (): void => {
        answer.release();
        if (!isCounted) count(answer.status, (now() - startedAt) / 1000);
      };
      const limits = limitHeaders(key, now());
      sendAnswer(response, { ...answer, release }, standingFor(request), limits);
    };
    const fail = (error: unknown): void => send(problemAnswer(asProblem(error, log)));
    try {
      const answer = asked.answer({ request, caller: new PlainCaller(key, response), count });
      if (answer instanceof Promise) answer.then(send, fail);
      else send(answer);
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

/** Finds what an endpoint takes. */
function createEndpointFinder(
  endpoints: readonly Endpoint[],
): (method: string, url: string) => Asked | undefined {
  const known = new Map<string, Asked>();
  for (const { path, methods, guard, answer } of endpoints) {
    const asked: Asked = {
      path,
      answer: ({ request, caller, count }) => {
        guard(request.headers);
        return answer(request, caller, count);
      },
    };
    for (const method of methods) known.set(`${method} ${path}`, asked);
  }
  return (method, url) => known.get(`${method} ${url}`);
}

/** Finds what a URL asks for; undefined where it is no route's, or its query is not right. */
function createRouteFinder({
  routes,
  onServed,
  now,
}: Pick<ShortPathOptions, "routes" | "onServed" | "now">): (url: string) => Asked | undefined {
  const byPath = new Map(
    routes.filter(({ methods }) => methods.includes("GET")).map((route) => [route.path, route]),
  );
  const known = new Map<string, Asked>();

  const charged = (caller: Caller, answer: () => Answer | Promise<Answer>) =>
    after(after(chargeRequest(caller.key, now()), answer), (made) => {
      onServed();
      return made;
    });
  const read = (url: string): Asked | undefined => {
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const route = byPath.get(path);
    if (route === undefined) return undefined;
    const query = mark < 0 ? {} : parse(url.slice(mark + 1));
    if ("api_key" in query) return undefined; // keys are not kept
    try {
      const answer = route.prepare(query);
      return { path, answer: ({ caller }) => charged(caller, () => answer(caller)) };
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
