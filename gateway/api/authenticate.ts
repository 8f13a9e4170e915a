import { isIPv6 } from "node:net";
import type { Context, Middleware } from "koa";
import rateLimitByAddress from "koa-ratelimit";
import type { Reloaded } from "../../common/reload.ts";
import { BoundedMap } from "../limit/boundedMap.ts";
import { Problem } from "../problem.ts";
import type { ApiKey, ApiKeys } from "./keys.ts";

export interface AuthenticateOptions {
  readonly keys: Reloaded<ApiKeys>;
  readonly allowQueryKey: boolean;
  /** Requests without a right key that one address may make in a minute. */
  readonly failuresPerMinute: number;
}

const maxAddresses = 65_536;

/** Finds a request's key, or throws a Problem 401 or 429. */
export type Authenticate = (ctx: Context) => Promise<ApiKey>;

/**
 * Only requests without a right key are counted by address, so that clients behind one ingress do
 * not starve each other.
 */
export function createAuthenticate({
  keys,
  allowQueryKey,
  failuresPerMinute,
}: AuthenticateOptions) {
  const limitFailures: Middleware = rateLimitByAddress({
    driver: "memory",
    db: new BoundedMap(maxAddresses),
    duration: 60_000,
    max: failuresPerMinute,
    id: (ctx: Context) => addressGroup(ctx.req.socket.remoteAddress ?? "unknown"),
    disableHeader: true,
    throw: true,
    errorMessage: "too many requests without a right key from this address",
  });

  return async (ctx: Context) => {
    const presented = presentedKey(ctx, allowQueryKey);
    const key = presented === undefined ? undefined : keys.current().find(presented);
    if (key !== undefined) return key;
    const refuse = (): Promise<never> => Promise.reject(unauthorized(presented !== undefined));
    await limitFailures(ctx, refuse);
    throw unauthorized(presented !== undefined);
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

/** One who holds an IPv6 network holds all of its addresses: a /64 counts as one. */
export function addressGroup(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(Math.max(0, zeros)).fill("0"), ...right].slice(0, 4).join(":");
}
