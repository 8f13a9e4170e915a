import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../common/config/load.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { parseRedisUrl } from "../../gateway/limit/redisConfig.ts";
import type { SharedCounter, Taken } from "../../gateway/limit/sharedCounter.ts";
import { SharedLimit } from "../../gateway/limit/sharedLimit.ts";
import { TokenBucket } from "../../gateway/limit/tokenBucket.ts";
import { freePort } from "../endToEnd/helpers/ports.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startTestGateway, withKey } from "./helpers/gateway.ts";

describe("the URL of a Redis", () => {
  const plain = { isTls: false, port: 6379, database: 0, username: undefined, password: undefined };
  test.each([
    ["redis://localhost", { ...plain, host: "localhost" }],
    ["redis://[::1]:7000/15", { ...plain, host: "::1", port: 7000, database: 15 }],
    [
      "rediss://:p%40ss@redis.example/",
      { ...plain, isTls: true, host: "redis.example", password: "p@ss" },
    ],
    [
      "redis://me:pass@127.0.0.1",
      { ...plain, host: "127.0.0.1", username: "me", password: "pass" },
    ],
    ["http://localhost", undefined],
    ["redis:localhost", undefined],
    ["redis://", undefined],
    ["redis://localhost/first", undefined],
    ["redis://localhost/0?db=1", undefined],
    ["redis://:%zz@localhost", undefined],
  ])("%s", (text, parsed) => expect(parseRedisUrl(text)).toEqual(parsed));

  test.each([
    ["{}", "redis: needs either url or url_file"],
    ["{ url: redis://localhost, url_file: x }", "redis: needs either url or url_file"],
    ["{ url: redis://:secret-word@redis.example }", "redis.url: must be rediss beyond loopback"],
    ["{ url: redis://localhost, ca_file: ca.pem }", "redis.url: must be rediss, to which ca_file"],
    ["{ url: 'secret-word' }", "redis.url: must be a redis or rediss URL"],
    ["{ url: redis://localhost, pasword_file: x }", "did you mean password_file?"],
    ["{ url: redis://localhost, password: secret-word }", "redis.password: unknown key"],
  ])("%s is refused", (redis, problem) => {
    const text = `hmac_secret_key: ${"5a".repeat(32)}\napi_keys: [0123456789abcdefghijkl]\nredis: ${redis}`;
    const parse = (): unknown => parseConfig(gatewayConfig, text, "x.yaml");
    expect(parse).toThrow(problem);
    expect(parse).not.toThrow("secret-word");
  });

  test("from a file has the same rules", async () => {
    await using folder = await makeFolder();
    const start = async (url: string, more: object = {}): Promise<void> => {
      await writeFile(folder.at("url"), `${url}\n`, { mode: 0o600 });
      const gateway = await startTestGateway({ redis: { url_file: folder.at("url"), ...more } });
      await gateway.stop();
    };
    const remote = `redis://:secret-word@192.0.2.1:${await freePort()}`;
    await expect(start(remote)).rejects.toThrow("redis.url_file: must be rediss beyond loopback");
    await expect(start("secret-word")).rejects.toThrow("redis.url_file: must be a redis");
    await writeFile(
      folder.at("ca.pem"),
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    const tls = { ca_file: folder.at("ca.pem") };
    await expect(start("rediss://localhost", tls)).rejects.toThrow("ca.pem: holds no certificate");
  });
});

test("with a Redis that is not there limits are per process, which is said once", async () => {
  const redis = { url: `redis://127.0.0.1:${await freePort()}` };
  const rate_limit = { requests_per_second: 1, burst: 5, failed_keys_per_minute: 3 };
  await using gateway = await startTestGateway({ redis, rate_limit });
  const statuses = async (headers: Record<string, string>): Promise<number[]> => {
    const get = async (): Promise<number> =>
      (await fetch(`${gateway.api}/api/status`, { headers })).status;
    return Promise.all(Array.from({ length: 8 }, get));
  };
  expect((await statuses(withKey)).filter((status) => status === 200).length).toBe(5);
  expect((await statuses({})).filter((status) => status === 401).length).toBe(3);
  const lines = gateway.captured.lines().filter(({ level }) => level !== "info");
  expect(lines).toEqual([
    expect.objectContaining({
      level: "warn",
      reason: "ECONNREFUSED",
      message: "Redis does not answer; limits are per process until it does",
    }),
  ]);
});

describe("a limit that is shared", () => {
  /** A bucket of 10 in this process, and Redis' answers. */
  function makeLimit(...answers: (Taken | undefined)[]) {
    const given: number[] = [];
    const counter = {
      isShared: () => answers.length > 0,
      take: async () => answers.shift(),
      give: (_name: string, units: number) => void given.push(units),
    };
    const local = new TokenBucket({ capacity: 10, perSecond: 1 }, 0);
    return { limit: new SharedLimit(local, counter as unknown as SharedCounter, () => "a"), given };
  }

  test("is taken when both have it", async () => {
    const { limit } = makeLimit({ isTaken: true, wait: 0, left: 3 }, undefined);
    expect(await limit.take(4, 0)).toBe(0);
    expect(limit.left(0)).toBe(3);
  });

  test("costs nothing here when the others have used it up", async () => {
    const { limit } = makeLimit({ isTaken: false, wait: 700, left: 1 });
    expect(await limit.take(4, 0)).toBe(700);
    expect(limit.left(0)).toBe(10);
  });

  test("is counted here when Redis goes, and without a promise from then on", async () => {
    const { limit } = makeLimit(undefined);
    expect(await limit.take(4, 0)).toBe(0);
    expect(limit.take(7, 0)).toBe(1_000);
    expect(limit.take(6, 0)).toBe(0);
  });

  test("does not ask when this process alone is over it", () => {
    const { limit } = makeLimit({ isTaken: true, wait: 0, left: 100 });
    expect(limit.take(11, 0)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is given back to all", () => {
    const { limit, given } = makeLimit();
    expect(limit.take(4, 0)).toBe(0);
    limit.give(4, 0);
    expect([limit.left(0), given]).toEqual([10, [4]]);
  });
});
