import type { Redis } from "ioredis";
import { errorCode } from "../../common/errors.ts";
import type { Logger } from "../../common/log/logger.ts";
import { sleep } from "../../common/wait.ts";
import { SharedCounter, type CounterStore } from "./sharedCounter.ts";
import type { BucketOptions } from "./tokenBucket.ts";

/** How long a start waits to know whether Redis is there. */
const startMilliseconds = 2_000;
const daySeconds = 86_400;

export interface SharedStoreOptions {
  /** Milliseconds that a request waits for Redis. */
  readonly timeout: number;
  readonly log: Logger;
}

type State = "starting" | "shared" | "alone";

/**
 * The Redis that replicas count their limits in. `starting` becomes `shared` when a count has
 * succeeded, or `alone` when anything has failed; `shared` becomes `alone` with the first request
 * that gets no answer in time or with the connection, so that no later one waits; then a new
 * connection is tried about every second, and a count that succeeds on it makes it `shared` again.
 * Each change is logged once.
 */
export class SharedStore implements CounterStore {
  readonly redis: Redis;
  readonly #options: SharedStoreOptions;
  readonly #probe: SharedCounter;
  readonly #decided = new AbortController();
  #state: State = "starting";
  /** Whether its connection is being given up. */
  #isDropped = false;
  #isStopped = false;

  /** @param redis not connected yet; see redisClient.ts */
  constructor(redis: Redis, options: SharedStoreOptions) {
    this.redis = redis;
    this.#options = options;
    this.#probe = new SharedCounter(this, {
      kind: "probe",
      capacity: 1,
      refill: 0.001,
      lifetime: 1,
    });
    redis.on("ready", () => void this.#try());
    redis.on("error", (error: unknown) => this.#fall(error));
    redis.on("close", () => this.#fall(undefined));
  }

  /** Resolves when it is known whether Redis is there, which does not take long; never throws. */
  async start(): Promise<void> {
    this.redis.connect().catch((error: unknown) => this.#fall(error));
    await sleep(startMilliseconds, this.#decided.signal);
    if (this.#state === "starting") this.#fall(undefined);
  }

  stop(): void {
    this.#isStopped = true;
    this.redis.disconnect();
  }

  isShared(): boolean {
    return this.#state === "shared";
  }

  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#inTime(question());
    } catch (error) {
      this.#fall(error);
      this.#drop();
      return undefined;
    }
  }

  /** A limit that is refilled. */
  bucket(kind: string, { capacity, perSecond }: BucketOptions): SharedCounter {
    const refill = capacity / perSecond;
    return new SharedCounter(this, { kind, capacity, refill, lifetime: Math.ceil(refill) + 1 });
  }

  /** A limit of a day; its names hold the day. */
  quota(kind: string, capacity: number): SharedCounter {
    return new SharedCounter(this, { kind, capacity, refill: 0, lifetime: 2 * daySeconds });
  }

  /** @throws when it takes longer than a request may wait */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    // The immediate comes after what has arrived meanwhile: a pause of this process is not Redis'.
    const giveUp = (): unknown => setImmediate(reject, new RedisTimeout());
    const timer = setTimeout(giveUp, this.#options.timeout);
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection that hangs or refuses to count is no use; the next one may be. */
  #drop(): void {
    if (this.#isDropped || this.redis.status !== "ready") return;
    this.#isDropped = true;
    this.redis.disconnect(true);
  }

  async #try(): Promise<void> {
    this.#isDropped = false;
    if ((await this.#probe.take("write", 1)) === undefined || this.#isStopped) return;
    this.#state = "shared";
    this.#decided.abort();
    this.#options.log.info("limits are shared through Redis");
  }

  #fall(error: unknown): void {
    if (this.#isStopped || this.#state === "alone") return;
    this.#state = "alone";
    this.#decided.abort();
    const reason = reasonOf(error);
    this.#options.log.warn(
      { reason },
      "Redis does not answer; limits are per process until it does",
    );
  }
}

class RedisTimeout extends Error {}

/** A word for the log: Redis' own texts repeat commands, and so what was sent. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  if (error instanceof RedisTimeout || text === "Command timed out") return "timeout";
  return errorCode(error) ?? /^[A-Z]{3,16}(?= )/.exec(text)?.[0] ?? "no connection";
}
