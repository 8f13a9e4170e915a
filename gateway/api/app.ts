import type { RequestListener } from "node:http";
import Router from "@koa/router";
import Koa, { type Context } from "koa";
import { errorCode } from "../../common/errors.ts";
import { nearest } from "../../common/config/suggest.ts";
import type { Logger } from "../../common/log/logger.ts";
import { dashboardAsset, type DashboardAsset } from "../dashboard/dashboard.ts";
import { Problem } from "../problem.ts";
import type { Status } from "../status.ts";
import { sendAnswer, type Answer } from "./answer.ts";
import type { Authenticate, FindKey } from "./authenticate.ts";
import type { CountRequest, Endpoint } from "./endpoint.ts";
import { corsHeaders, optionsHeaders, standingHeaders } from "./headers.ts";
import { chargeRequest, limitHeaders } from "./limits.ts";
import { asProblem, problemAnswer } from "./problems.ts";
import { jsonAnswer, type BoundRoute, type Caller } from "./route.ts";
import { createShortPath } from "./shortPath.ts";
import { Traffic } from "./traffic.ts";

export interface AppOptions {
  readonly routes: readonly BoundRoute[];
  readonly endpoints: readonly Endpoint[];
  /** Served to anybody, as it was made at the start. */
  readonly openApi: object;
  readonly authenticate: Authenticate;
  readonly findKey: FindKey;
  /** Whether the page at / is served. */
  readonly dashboard: boolean;
  readonly allowQueryKey: boolean;
  /** Whose pages may read answers. */
  readonly corsOrigins: readonly string[];
  /** What the bytes went through, for a header. */
  readonly conditioning: string;
  readonly describeStatus: () => Status;
  /** Called for each answer that a key was charged for. */
  readonly onServed: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface Api {
  readonly handler: RequestListener;
  readonly traffic: Traffic;
}

/** Paths that need no key. */
const openPaths = ["/health", "/api/openapi.json"];
const readMethods: readonly string[] = ["GET", "HEAD"];

/** The API on its listener: routes, and one place that turns what they throw into answers. */
export function createApi(options: AppOptions): Api {
  const { describeStatus, log } = options;
  // Each path in one spelling only: `/api/random/` would pass by what is said of `/api/random`.
  const router = new Router({ strict: true, sensitive: true });
  const methodsOf = new Map<string, readonly string[]>([
    ...openPaths.map((path) => [path, readMethods] as const),
    ...options.routes.map(({ path, methods }) => [path, methods] as const),
    ...options.endpoints.map(({ path, methods }) => [path, methods] as const),
  ]);
  const paths = [...methodsOf.keys()];
  const traffic = new Traffic(paths);
  /** Exchanges whose requests were counted one by one. */
  const counted = new WeakSet<Context>();
  const standing = standingHeaders(options.conditioning);

  router.get("/health", (ctx) => {
    const isServing = describeStatus().status !== "unhealthy";
    ctx.status = isServing ? 200 : 503;
    ctx.body = { status: isServing ? "ok" : "no entropy" };
  });
  router.get("/api/openapi.json", (ctx) => send(ctx, jsonAnswer(options.openApi)));
  for (const route of options.routes) {
    router.register(route.path, [...route.methods], (ctx: Context) => serve(ctx, route, options));
  }
  for (const endpoint of options.endpoints) {
    const { path, methods } = endpoint;
    router.register(path, [...methods], (ctx: Context) =>
      serveEndpoint(ctx, endpoint, options, (status, seconds) => {
        counted.add(ctx);
        traffic.add(path, status, seconds);
      }),
    );
  }

  const app = new Koa();
  app.silent = true;
  app.on("error", (error: unknown) => {
    // The client went away while it was being answered.
    const code = errorCode(error);
    if (code !== "EPIPE" && code !== "ECONNRESET") log.error({ error }, "answer failed");
  });
  app.use(async (ctx, next) => {
    const startedAt = options.now();
    ctx.res.once("close", () => {
      if (counted.has(ctx)) return;
      traffic.add(ctx.path, ctx.res.statusCode, (options.now() - startedAt) / 1000);
    });
    try {
      ctx.set({ ...standing, ...corsHeaders(ctx.headers, options.corsOrigins) });
      const asset = options.dashboard ? dashboardAsset(ctx.path) : undefined;
      const methods = asset === undefined ? methodsOf.get(ctx.path) : readMethods;
      if (methods === undefined) throw unknownPath(ctx.path, paths);
      if (ctx.method === "OPTIONS") {
        ctx.set(optionsHeaders(ctx.headers, methods, options.corsOrigins));
        ctx.status = 204;
        return;
      }
      refuseMethod(ctx.method, methods);
      if (asset === undefined) await next();
      else answerAsset(ctx, asset);
    } catch (error) {
      send(ctx, problemAnswer(asProblem(error, log)));
    }
  });
  app.use(router.routes());
  const handle = app.callback();
  const serveShortly = createShortPath({ ...options, standing, traffic });
  const handler: RequestListener = (request, response) => {
    if (!serveShortly(request, response)) void handle(request, response);
  };
  return { handler, traffic };
}

/** Key, charge, answer. */
async function serve(ctx: Context, route: BoundRoute, options: AppOptions): Promise<void> {
  await answerCaller(ctx, options, async (caller) => {
    await chargeRequest(caller.key, options.now());
    const { api_key: queryKey, ...query } = ctx.query;
    // An api_key that is not allowed stays in, to be refused by name.
    const asked = options.allowQueryKey || queryKey === undefined ? query : ctx.query;
    return route.prepare(asked)(caller);
  });
  options.onServed();
}

async function serveEndpoint(
  ctx: Context,
  { guard, answer }: Endpoint,
  options: AppOptions,
  count: CountRequest,
): Promise<void> {
  guard(ctx.headers);
  await answerCaller(ctx, options, (caller) => answer(ctx.req, caller, count));
}

/** Answers who has a key, and says what is left of its limits. */
async function answerCaller(
  ctx: Context,
  { authenticate, now }: AppOptions,
  answerFor: (caller: Caller) => Promise<Answer>,
): Promise<void> {
  const left = new AbortController();
  ctx.res.once("close", () => left.abort());
  const key = await authenticate(ctx);
  let answer: Answer;
  try {
    answer = await answerFor({
      accepts: (types) => ctx.accepts([...types]) || undefined,
      key,
      signal: left.signal,
    });
  } finally {
    ctx.set({ ...limitHeaders(key, now()) }); // also when it was refused
  }
  send(ctx, answer);
}

/** Written to the socket as it is, without Koa's copies. */
function send(ctx: Context, answer: Answer): void {
  ctx.respond = false;
  sendAnswer(ctx.res, answer);
}

/** Of the dashboard, whose page runs scripts of its own. */
function answerAsset(ctx: Context, { headers, status, body }: DashboardAsset): void {
  ctx.set(headers);
  ctx.status = status;
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = body;
}

function unknownPath(path: string, paths: readonly string[]): Problem {
  const guess = nearest(path, paths);
  const question = guess === undefined ? "" : `did you mean ${guess}? `;
  return new Problem(404, "ERR_PATH", `${question}known here: ${paths.join(", ")}`);
}

/** Koa's router would answer HEAD by drawing bytes that nobody gets. */
function refuseMethod(method: string, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  const allow = methods.join(", ");
  throw new Problem(405, "ERR_METHOD", `only ${allow}`, { allow });
}
