import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Context } from "koa";
import rateLimitByAddress from "koa-ratelimit";
import { BoundedMap } from "./boundedMap.ts";
import type { SharedStore } from "./sharedStore.ts";

export interface FailureLimitOptions {
  /** Requests without a right key that one address may make in a minute. */
  readonly failuresPerMinute: number;
  /** Where replicas count them together; left out, each counts alone. */
  readonly store?: SharedStore | undefined;
}

const maxAddresses = 65_536;

/**
 * Counts a request without a right key by its address, and throws koa-ratelimit's 429 when there
 * were too many. Only such requests are counted, so that clients behind one ingress do not starve
 * each other. This process' own count holds whatever happens to Redis.
 */
export function createFailureLimit({
  failuresPerMinute,
  store,
}: FailureLimitOptions): (ctx: Context) => Promise<void> {
  const group = (ctx: Context): string => addressGroup(ctx.req.socket.remoteAddress ?? "unknown");
  const common = {
    duration: 60_000,
    max: failuresPerMinute,
    disableHeader: true,
    throw: true,
    errorMessage: "too many requests without a right key from this address",
  };
  const countHere = rateLimitByAddress({
    ...common,
    driver: "memory",
    id: group,
    db: new BoundedMap(maxAddresses),
  });
  if (store === undefined) return async (ctx) => countHere(ctx, goOn);
  const countTogether = rateLimitByAddress({
    ...common,
    driver: "redis",
    db: store.redis,
    id: (ctx) => createHash("sha256").update(group(ctx)).digest("base64url"),
    namespace: "failed",
  });
  return async (ctx) => {
    await countHere(ctx, goOn);
    if (!store.isShared()) return;
    const refusal = await store.ask(() => countTogether(ctx, goOn).catch(refusalOf));
    if (refusal !== undefined) throw refusal;
  };
}

const goOn = async (): Promise<void> => undefined;

/** An answer of Redis, unlike any other error. */
function refusalOf(error: unknown): Error {
  if (error instanceof Error && "status" in error && error.status === 429) return error;
  throw error;
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
