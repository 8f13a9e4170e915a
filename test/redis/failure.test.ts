import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { draw, fill, withKey, type TestGateway } from "../gateway/helpers/gateway.ts";
import { startRedis } from "./helpers/redis.ts";
import { aloneLine, count, drawMany, says, sharedLine, startReplica } from "./helpers/replicas.ts";

const perSecond = 5;
const burst = 10;
const rate_limit = { requests_per_second: perSecond, burst };

/** Clients that ask as fast as they are answered, until they are stopped. */
function load(gateway: TestGateway) {
  const startedAt = performance.now();
  const stopping = new AbortController();
  const answers: { readonly status: number; readonly at: number }[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (!stopping.signal.aborted) {
      const [status = 0] = await drawMany(gateway, 1);
      answers.push({ status, at: performance.now() });
      await delay(10);
    }
  });
  const given = (since = startedAt): number =>
    answers.filter(({ status, at }) => status === 200 && at >= since).length;
  return {
    given,
    /** What a process that counts alone may have given so far. */
    limit: (since = startedAt): number => burst + (perSecond * (performance.now() - since)) / 1000,
    stop: async (): Promise<number[]> => {
      stopping.abort();
      await Promise.all(clients);
      return [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b);
    },
  };
}

test("killed and restarted under load: limits per process meanwhile, said once each way", async () => {
  await using redis = await startRedis();
  // Redis may be late on a busy machine, but not that late.
  const config = { rate_limit, redis: { url: redis.url, timeout: "5s" } };
  await using first = await startReplica(config);
  await using second = await startReplica(config);
  const gateways = [first, second];
  const everyone = (...lines: string[]) =>
    Promise.all(gateways.map((gateway) => says(gateway, ...lines)));
  await everyone(sharedLine);
  const loads = gateways.map(load);
  const given = (since?: number): number => loads.reduce((sum, one) => sum + one.given(since), 0);
  const expectBounded = (): void => {
    for (const one of loads) expect(one.given()).toBeLessThanOrEqual(one.limit());
  };

  await delay(1_500);
  expect(given()).toBeLessThanOrEqual(loads[0]!.limit());

  await redis.kill();
  await everyone(sharedLine, aloneLine);
  const alone = performance.now();
  await delay(3_000);
  expectBounded();
  // Each gives its own limit now: more than both together gave before, and no request fails.
  expect(given(alone)).toBeGreaterThan(perSecond * 3 * 1.3);

  await redis.restart();
  await everyone(sharedLine, aloneLine, sharedLine);
  const shared = performance.now();
  await delay(3_000);
  expectBounded();
  expect(given(shared)).toBeLessThanOrEqual(loads[0]!.limit(shared));
  expect(given(shared)).toBeGreaterThan(perSecond);

  for (const one of loads) expect(await one.stop()).toEqual([200, 429]);
  await everyone(sharedLine, aloneLine, sharedLine);
});

test("one that comes back empty again and again never lets more through than a process may give", async () => {
  await using redis = await startRedis();
  await using gateway = await startReplica({ rate_limit, redis: { url: redis.url } });
  const one = load(gateway);
  for (let times = 0; times < 8; times++) {
    await delay(250);
    await redis.client.flushall();
  }
  expect(one.given()).toBeLessThanOrEqual(one.limit());
  await one.stop();
});

test("one that hangs holds up only those who asked before that was known", async () => {
  await using redis = await startRedis();
  const config = { rate_limit: { requests_per_second: 1, burst: 1_000 } };
  await using gateway = await startReplica({ ...config, redis: { url: redis.url, timeout: "1s" } });
  await says(gateway, sharedLine);
  redis.signal("SIGSTOP");
  const startedAt = performance.now();
  expect(count(await drawMany(gateway, 20))).toBe(20);
  expect(performance.now() - startedAt).toBeGreaterThan(900);
  await says(gateway, sharedLine, aloneLine);
  const known = performance.now();
  for (let times = 0; times < 10; times++)
    expect((await draw(gateway, "?bytes=1")).status).toBe(200);
  expect(performance.now() - known).toBeLessThan(5_000);
  redis.signal("SIGCONT");
  await says(gateway, sharedLine, aloneLine, sharedLine);
  expect(gateway.captured.text()).toContain('"reason":"timeout"');
});

test("one that refuses to count is none, until it counts again", async () => {
  await using redis = await startRedis();
  await using gateway = await startReplica({
    rate_limit,
    redis: { url: redis.url, timeout: "5s" },
  });
  await says(gateway, sharedLine);
  await redis.client.config("SET", "maxmemory", "1");
  expect((await draw(gateway, "?bytes=1")).status).toBe(200);
  await says(gateway, sharedLine, aloneLine);
  await delay(4_000); // connections that are tried meanwhile are no news
  await says(gateway, sharedLine, aloneLine);
  await redis.client.config("SET", "maxmemory", "0");
  await says(gateway, sharedLine, aloneLine, sharedLine);
  expect(gateway.captured.text()).toContain('"reason":"OOM"');
});

test("one that is not there when the gateway starts is found when it is", async () => {
  await using redis = await startRedis({ stopped: true });
  await using gateway = await startReplica({ rate_limit, redis: { url: redis.url } });
  await says(gateway, aloneLine);
  expect(count(await drawMany(gateway, burst))).toBe(burst);
  await redis.restart();
  await says(gateway, aloneLine, sharedLine);
});

test("clients that leave while Redis is waited for hold nothing", async () => {
  await using redis = await startRedis();
  const sizes = { buffer_size: "1MiB", overflow: "DiscardOldest" } as const;
  await using gateway = await startReplica({ ...sizes, redis: { url: redis.url, timeout: "1s" } });
  redis.signal("SIGSTOP");
  const leaving = Array.from({ length: 5 }, async (_, index) => {
    const path = index % 2 === 0 ? "random?bytes=100000" : "stream?bytes=100000";
    const signal = AbortSignal.timeout(300);
    return fetch(`${gateway.api}/api/${path}`, { headers: withKey, signal });
  });
  const results = await Promise.allSettled(leaving);
  expect(results.every(({ status }) => status === "rejected")).toBe(true);
  await says(gateway, sharedLine, aloneLine);
  await delay(100);
  await fill(gateway, randomBytes(2 ** 20));
  // As many as may be on their way at once, so that none of the others can still be.
  const response = await draw(gateway, `?bytes=${2 ** 20}&encoding=binary`);
  expect(response.status).toBe(200);
  await response.arrayBuffer();
});
