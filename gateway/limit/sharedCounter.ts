import type { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";

/**
 * A bucket that holds `ARGV[3]` and is refilled in `ARGV[4]` seconds, or never when they are 0; by
 * Redis' own clock, so that replicas agree. In place of the library's fixed windows: those let twice
 * the limit through around their end, and a request that they refuse uses up the limit as well.
 * Answers what is used, with what was asked for, and the milliseconds until that would have room.
 */
const takeScript = `
local units, lifetime = tonumber(ARGV[1]), ARGV[2]
local capacity, refill = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('time')
local now = time[1] + time[2] / 1000000
local state = redis.call('hmget', KEYS[1], 'used', 'at')
local used = tonumber(state[1] or 0)
if refill > 0 then
  local passed = math.max(0, now - (state[2] or now))
  used = math.max(0, used - passed * capacity / refill)
end
local wanted = used + units
local fits = units <= 0 or wanted <= capacity
if fits then used = math.max(0, wanted) end
redis.call('hset', KEYS[1], 'used', string.format('%.17g', used), 'at', string.format('%.17g', now))
redis.call('expire', KEYS[1], lifetime)
if fits then return { math.ceil(used), 0 } end
return { math.ceil(wanted), math.ceil((wanted - capacity) * refill / capacity * 1000) }
`;

/** Where it counts. */
export interface CounterStore {
  readonly redis: Redis;
  /** Whether it is there. */
  isShared(): boolean;
  /** @returns undefined when it did not answer */
  ask<T>(question: () => Promise<T>): Promise<T | undefined>;
}

export interface CounterOptions {
  /** What it counts: the first part of its keys in Redis. */
  readonly kind: string;
  readonly capacity: number;
  /** Seconds in which an empty bucket is full again; 0 when nothing comes back. */
  readonly refill: number;
  /** Seconds that a count is kept after its last use. */
  readonly lifetime: number;
}

/** What Redis said. */
export interface Taken {
  readonly isTaken: boolean;
  /** Milliseconds until it would be there; 0 when nothing comes back. */
  readonly wait: number;
  readonly left: number;
}

/** One limit's counts in Redis, by name. */
export class SharedCounter {
  readonly #store: CounterStore;
  readonly #limiter: RateLimiterRedis;
  readonly #lifetime: { readonly customDuration: number };

  constructor(store: CounterStore, { kind, capacity, refill, lifetime }: CounterOptions) {
    this.#store = store;
    this.#lifetime = { customDuration: lifetime };
    this.#limiter = new RateLimiterRedis({
      storeClient: store.redis,
      keyPrefix: kind,
      points: capacity,
      duration: refill,
      customIncrTtlLuaScript: takeScript,
    });
  }

  isShared(): boolean {
    return this.#store.isShared();
  }

  /** @returns undefined when Redis did not answer */
  take(name: string, units: number): Promise<Taken | undefined> {
    return this.#store.ask(() => this.#take(name, units));
  }

  give(name: string, units: number): void {
    if (!this.isShared()) return;
    void this.#store.ask(() => this.#limiter.reward(name, units, this.#lifetime));
  }

  async #take(name: string, units: number): Promise<Taken> {
    try {
      const { remainingPoints } = await this.#limiter.consume(name, units, this.#lifetime);
      return { isTaken: true, wait: 0, left: remainingPoints };
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const left = this.#limiter.points - (refusal.consumedPoints - units);
      return { isTaken: false, wait: refusal.msBeforeNext, left: Math.max(0, left) };
    }
  }
}
