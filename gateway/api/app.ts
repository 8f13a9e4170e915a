import Router from "@koa/router";
import Koa, { type Context } from "koa";
import { errorCode } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import { Problem, problemBody, problemType } from "../problem.ts";
import type { Status } from "../status.ts";
import { noStore, sendAnswer } from "./answer.ts";
import type { Authenticate } from "./authenticate.ts";
import { chargeRequest, tooMany } from "./limits.ts";
import { jsonAnswer, type BoundRoute } from "./route.ts";

export interface AppOptions {
  readonly routes: readonly BoundRoute[];
  /** Served to anybody, as it was made at the start. */
  readonly openApi: object;
  readonly authenticate: Authenticate;
  readonly allowQueryKey: boolean;
  readonly describeStatus: () => Status;
  /** Called for each answer that a key was charged for. */
  readonly onServed: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface Api {
  readonly handler: ReturnType<Koa["callback"]>;
  /** Answers by status. */
  readonly answers: Tally<string>;
}

const statuses = ["200", "400", "401", "404", "405", "406", "429", "500", "503"];

/** The API on its listener: routes, and one place that turns what they throw into answers. */
export function createApi(options: AppOptions): Api {
  const { describeStatus, log } = options;
  const answers = new Tally(statuses);
  const router = new Router();
  const paths = ["/health", "/api/openapi.json", ...options.routes.map(({ path }) => path)];

  router.get("/health", (ctx) => {
    const isServing = describeStatus().status !== "unhealthy";
    ctx.status = isServing ? 200 : 503;
    ctx.body = { status: isServing ? "ok" : "no entropy" };
  });
  router.get("/api/openapi.json", (ctx) => send(ctx, jsonAnswer(options.openApi)));
  for (const route of options.routes) {
    router.register(route.path, [...route.methods], (ctx: Context) => serve(ctx, route, options));
  }

  const app = new Koa();
  app.silent = true;
  app.on("error", (error: unknown) => {
    // The client went away while it was being answered.
    const code = errorCode(error);
    if (code !== "EPIPE" && code !== "ECONNRESET") log.error({ error }, "answer failed");
  });
  app.use(async (ctx, next) => {
    try {
      ctx.set(noStore);
      refuseMethod(ctx, options.routes);
      await next();
      if (ctx.status === 404) {
        throw new Problem(404, "ERR_PATH", `known here: ${paths.join(", ")}`);
      }
    } catch (error) {
      answerProblem(ctx, asProblem(error, log));
    } finally {
      answers.add(String(ctx.res.statusCode));
    }
  });
  app.use(router.routes());
  return { handler: app.callback(), answers };
}

/** Key, charge, answer. */
async function serve(ctx: Context, route: BoundRoute, options: AppOptions): Promise<void> {
  const key = await options.authenticate(ctx);
  chargeRequest(key, options.now());
  const { api_key: queryKey, ...query } = ctx.query;
  const left = new AbortController();
  ctx.res.once("close", () => left.abort());
  const answer = await route.answer({
    // An api_key that is not allowed stays in, to be refused by name.
    query: options.allowQueryKey || queryKey === undefined ? query : ctx.query,
    accepts: (types) => ctx.accepts([...types]) || undefined,
    key,
    signal: left.signal,
  });
  send(ctx, answer);
  options.onServed();
}

/** Written to the socket as it is, without Koa's copies. */
function send(ctx: Context, answer: Parameters<typeof sendAnswer>[1]): void {
  ctx.respond = false;
  sendAnswer(ctx.res, answer);
}

/** Koa's router would answer HEAD by drawing bytes that nobody gets. */
function refuseMethod(ctx: Context, routes: readonly BoundRoute[]): void {
  const methods = routes.find(({ path }) => path === ctx.path)?.methods ?? ["GET"];
  if (methods.some((method) => method === ctx.method)) return;
  const allow = methods.join(", ");
  throw new Problem(405, "ERR_METHOD", `only ${allow}`, { allow });
}

function answerProblem(ctx: Context, problem: Problem): void {
  ctx.status = problem.status;
  ctx.set({ ...problem.headers });
  ctx.type = problemType;
  ctx.body = problemBody(problem);
}

/** What was thrown, as it may be answered: only what was written for clients goes out. */
function asProblem(error: unknown, log: Logger): Problem {
  if (error instanceof Problem) return error;
  if (typeof error === "object" && error !== null && "status" in error && error.status === 429) {
    const headers = "headers" in error ? (error.headers as Record<string, unknown>) : {};
    const wait = Number(headers["Retry-After"] ?? 1);
    return tooMany("too many requests without a right key from this address", wait * 1000);
  }
  log.error({ error }, "a request failed");
  return new Problem(500, "ERR_INTERNAL", "the request failed; the gateway's log says where");
}
