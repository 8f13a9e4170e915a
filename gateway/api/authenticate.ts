import type { IncomingHttpHeaders } from "node:http";
import type { Context } from "koa";
import { nanosecondsToMilliseconds, type Clock } from "../../common/clock.ts";
import type { Reloaded } from "../../common/reload.ts";
import { createFailureLimit, type FailureLimitOptions } from "../limit/failureLimit.ts";
import { Problem } from "../problem.ts";
import type { ApiKey, ApiKeys } from "./keys.ts";

export interface AuthenticateOptions extends FailureLimitOptions {
  readonly keys: Reloaded<ApiKeys>;
  readonly allowQueryKey: boolean;
  readonly clock: Clock;
}

/** Finds a request's key, or throws a Problem 401, 403 or 429. */
export type Authenticate = (ctx: Context) => Promise<ApiKey>;

/** The right key that a request's headers present and that has not expired, if there is one. */
export type FindKey = (headers: IncomingHttpHeaders) => ApiKey | undefined;

export function createFindKey({
  keys,
  clock,
}: Pick<AuthenticateOptions, "keys" | "clock">): FindKey {
  return (headers) => {
    const presented = headerKey(headers);
    const key = presented === undefined ? undefined : keys.current().find(presented);
    return key === undefined || hasExpired(key, clock) ? undefined : key;
  };
}

/** Who has no right key is counted by address; who has one never is. */
export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const { keys, allowQueryKey, clock } = options;
  const limitFailures = createFailureLimit(options);
  return async (ctx) => {
    const presented = presentedKey(ctx, allowQueryKey);
    const key = presented === undefined ? undefined : keys.current().find(presented);
    if (key === undefined) {
      await limitFailures(ctx);
      throw unauthorized(presented !== undefined);
    }
    if (hasExpired(key, clock)) {
      throw new Problem(403, "ERR_KEY_EXPIRED", "this API key has expired");
    }
    return key;
  };
}

function hasExpired({ expiresAt }: ApiKey, clock: Clock): boolean {
  return expiresAt !== Infinity && nanosecondsToMilliseconds(clock.wall()) >= expiresAt;
}

function presentedKey(ctx: Context, allowQueryKey: boolean): string | undefined {
  const header = headerKey(ctx.headers);
  if (header !== undefined || !allowQueryKey) return header;
  const query = ctx.query["api_key"];
  return typeof query === "string" ? query : undefined;
}

function headerKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, "x-api-key": header } = headers;
  const bearer = authorization && /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined && bearer !== "") return bearer;
  return typeof header === "string" && header !== "" ? header : undefined;
}

function unauthorized(wasPresented: boolean): Problem {
  return new Problem(
    401,
    wasPresented ? "ERR_KEY_UNKNOWN" : "ERR_KEY_MISSING",
    wasPresented ? "no such API key" : "needs an API key: Authorization: Bearer, or X-API-Key",
    { "www-authenticate": "Bearer" },
  );
}
