import Router from "@koa/router";
import Koa, { type Context } from "koa";
import { errorCode } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import { Problem, problemBody, problemType } from "../problem.ts";
import type { Status } from "../status.ts";
import { noStore, sendAnswer } from "./answer.ts";
import type { createAuthenticate } from "./authenticate.ts";
import type { ApiKey } from "./keys.ts";
import { charge, tooMany } from "./limits.ts";
import { answerRandom, type RandomDeps } from "./routes/random.ts";

export interface AppOptions extends RandomDeps {
  readonly authenticate: ReturnType<typeof createAuthenticate>;
  readonly allowQueryKey: boolean;
  readonly describeStatus: () => Status;
  readonly onServed: () => void;
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
  const { authenticate, describeStatus, now, log } = options;
  const answers = new Tally(statuses);
  const router = new Router();
  const withKey =
    (answer: (ctx: Context, key: ApiKey) => void) =>
    async (ctx: Context): Promise<void> =>
      answer(ctx, await authenticate(ctx));

  router.get("/health", (ctx) => {
    const isServing = describeStatus().status !== "unhealthy";
    ctx.status = isServing ? 200 : 503;
    ctx.body = { status: isServing ? "ok" : "no entropy" };
  });
  router.get(
    "/api/random",
    withKey((ctx, key) => {
      const { api_key: queryKey, ...query } = ctx.query;
      const facts = {
        // An api_key that is not allowed stays in, to be refused by name.
        query: options.allowQueryKey || queryKey === undefined ? query : ctx.query,
        accepts: (types: readonly string[]) => ctx.accepts([...types]) || undefined,
        key,
        now: now(),
      };
      const answer = answerRandom(facts, options);
      ctx.respond = false; // written to the socket as it is, without Koa's copies
      sendAnswer(ctx.res, answer);
      options.onServed();
    }),
  );
  router.get(
    "/api/status",
    withKey((ctx, key) => {
      charge(key, 0, now());
      ctx.body = describeStatus();
    }),
  );

  const app = new Koa();
  app.silent = true;
  app.on("error", (error: unknown) => {
    // The client went away while it was being answered.
    if (errorCode(error) !== "EPIPE" && errorCode(error) !== "ECONNRESET")
      log.error({ error }, "answer failed");
  });
  app.use(async (ctx, next) => {
    try {
      if (ctx.method !== "GET") throw new Problem(405, "ERR_METHOD", "only GET", { allow: "GET" });
      ctx.set(noStore);
      await next();
      if (ctx.status === 404)
        throw new Problem(404, "ERR_PATH", "known here: /api/random, /api/status, /health");
    } catch (error) {
      answerProblem(ctx, asProblem(error, log));
    } finally {
      answers.add(String(ctx.res.statusCode));
    }
  });
  app.use(router.routes());
  return { handler: app.callback(), answers };
}

function answerProblem(ctx: Context, problem: Problem): void {
  ctx.status = problem.status;
  ctx.set(noStore);
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
