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
    if (nanosecondsToMilliseconds(clock.wall()) >= key.expiresAt) {
      throw new Problem(403, "ERR_KEY_EXPIRED", "this API key has expired");
    }
    return key;
  };
}

function presentedKey(ctx: Context, allowQueryKey: boolean): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(ctx.get("authorization"))?.[1];
  const header = ctx.get("x-api-key");
  const query = ctx.query["api_key"];
  if (bearer !== undefined) return bearer;
  if (header !== "") return header;
  return allowQueryKey && typeof query === "string" ? query : undefined;
}

function unauthorized(wasPresented: boolean): Problem {
  return new Problem(
    401,
    wasPresented ? "ERR_KEY_UNKNOWN" : "ERR_KEY_MISSING",
    wasPresented ? "no such API key" : "needs an API key: Authorization: Bearer, or X-API-Key",
    { "www-authenticate": "Bearer" },
  );
}
