import { writeFile } from "node:fs/promises";
import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { apiKey, draw } from "../gateway/helpers/gateway.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { postCall } from "../mcp/helpers/calls.ts";
import { eras } from "../mcp/helpers/clients.ts";
import { startRedis } from "./helpers/redis.ts";
import { aloneLine, count, drawMany, says, sharedLine, startReplica } from "./helpers/replicas.ts";

/** On a busy machine Redis itself may be late. */
const timeout = "5s";

/** A limit that does not come back while a test runs. */
const steady = { requests_per_second: 1, burst: 1_000, bytes_per_second: "1MiB" };

describe("two gateways with one Redis", () => {
  test("give as many requests together as the limit says, at once and over time", async () => {
    await using redis = await startRedis();
    const config = {
      rate_limit: { requests_per_second: 10, burst: 40 },
      redis: { url: redis.url, timeout },
    };
    await using first = await startReplica(config);
    await using second = await startReplica(config);
    await Promise.all([says(first, sharedLine), says(second, sharedLine)]);
    const startedAt = performance.now();
    let given = 0;
    while (performance.now() - startedAt < 3_000) {
      const statuses = await Promise.all([drawMany(first, 10), drawMany(second, 10)]);
      given += count(statuses.flat());
    }
    const seconds = (performance.now() - startedAt) / 1000;
    expect(given).toBeLessThanOrEqual(40 + 10 * seconds);
    expect(given).toBeGreaterThanOrEqual(40 + 10 * (seconds - 1));
  });

  test("give as many bytes together, at once and in a day; a refusal costs nothing", async () => {
    await using redis = await startRedis();
    const rate_limit = { ...steady, bytes_per_second: 1, daily_bytes: 1_500 };
    const config = { rate_limit, max_request_bytes: 1_000, redis: { url: redis.url, timeout } };
    await using first = await startReplica(config);
    await using second = await startReplica(config);
    const status = async (gateway: typeof first, bytes: number): Promise<number> =>
      (await draw(gateway, `?bytes=${bytes}`)).status;
    expect(await status(first, 600)).toBe(200);
    expect(await status(second, 600)).toBe(429);
    const refused = await draw(second, "?bytes=600");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(150);
    expect(await status(second, 350)).toBe(200);
    // The bucket of bytes is nearly empty, which Redis forgets here, but not the day.
    await redis.client.del("qrng-gateway:bytes:test");
    expect(await status(second, 551)).toBe(429);
    const overDay = await draw(second, "?bytes=551");
    expect(Number(overDay.headers.get("retry-after"))).toBeLessThanOrEqual(86_400);
    expect(await status(second, 550)).toBe(200);
  });

  test("tell what is left for both", async () => {
    await using redis = await startRedis();
    const config = { rate_limit: steady, redis: { url: redis.url, timeout } };
    await using first = await startReplica(config);
    await using second = await startReplica(config);
    await drawMany(first, 100);
    const header = (await draw(second, "?bytes=1")).headers.get("ratelimit") ?? "";
    const [[, requests] = []] = parseList(header);
    expect(requests?.get("r")).toBeGreaterThanOrEqual(899);
    expect(requests?.get("r")).toBeLessThan(910);
  });

  test.each(eras)("tell it MCP clients too, when Redis has said so: %s", async (era) => {
    await using redis = await startRedis();
    const rate_limit = { ...steady, burst: 10 };
    const config = { rate_limit, redis: { url: redis.url, timeout } };
    await using first = await startReplica(config);
    await using second = await startReplica(config);
    await Promise.all([says(first, sharedLine), says(second, sharedLine)]);
    await drawMany(first, 8);
    const left: unknown[] = [];
    for (let call = 0; call < 3; call++) {
      const { headers } = await postCall(second, era, 1);
      const [[, requests] = []] = parseList(headers.get("ratelimit") ?? "");
      left.push([requests?.get("r"), headers.get("retry-after")]);
    }
    expect(left).toEqual([
      [1, null],
      [0, null],
      [0, "1"],
    ]);
  });

  test("count requests without a right key by address together, and right ones not at all", async () => {
    await using redis = await startRedis();
    const rate_limit = { ...steady, failed_keys_per_minute: 6 };
    const config = { rate_limit, redis: { url: redis.url, timeout } };
    await using first = await startReplica(config);
    await using second = await startReplica(config);
    const wrong = { headers: { "x-api-key": "wrong-wrong-wrong-wrong" } };
    expect(count(await drawMany(first, 4, wrong), 401)).toBe(4);
    expect(count(await drawMany(second, 5, wrong), 401)).toBe(2);
    const limited = await fetch(`${first.api}/api/random`);
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(count(await drawMany(first, 20))).toBe(20);
    expect(count(await drawMany(second, 20))).toBe(20);
  });

  test("leave no key and no address in Redis, only names, and end by themselves", async () => {
    await using redis = await startRedis();
    const rate_limit = { ...steady, daily_bytes: "1MiB" };
    const config = { rate_limit, redis: { url: redis.url, key_prefix: "mine:", timeout } };
    await using gateway = await startReplica(config);
    await draw(gateway, "?bytes=10");
    await drawMany(gateway, 1, { headers: { "x-api-key": "wrong-wrong-wrong-wrong" } });
    const names = (await redis.client.keys("*"))
      .filter((name) => name !== "mine:probe:write")
      .sort();
    const today = Math.floor(Date.now() / 86_400_000);
    expect(names).toEqual([
      "mine:bytes:test",
      `mine:day:test:${today}`,
      expect.stringMatching(/^mine:failed:[A-Za-z0-9_-]{43}$/),
      "mine:requests:test",
    ]);
    for (const name of names) expect(await redis.client.ttl(name)).toBeGreaterThan(0);
    const dumps = await Promise.all(names.map((name) => redis.client.dumpBuffer(name)));
    const all = Buffer.concat(dumps.filter((dump) => dump !== null)).toString("latin1");
    expect(all + names.join()).not.toMatch(new RegExp(`${apiKey}|wrong|127\\.0\\.0\\.1`));
  });

  test("close their connections when they stop", async () => {
    await using redis = await startRedis();
    const clients = async (): Promise<number> =>
      String(await redis.client.client("LIST"))
        .trim()
        .split("\n").length;
    await redis.client.ping();
    const before = await clients();
    const gateway = await startReplica({ redis: { url: redis.url, timeout } });
    expect(await clients()).toBe(before + 1);
    await gateway.stop();
    await eventually(async () => (await clients()) === before);
    await says(gateway, sharedLine);
  });
});

test("TLS with a CA and a password from files; another CA is no Redis at all", async () => {
  await using folder = await makeFolder();
  const authority = await makeAuthority();
  const identity = await authority.issue();
  const other = await makeAuthority("other CA");
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(folder.at(name), text, { mode: 0o600 });
    return folder.at(name);
  };
  const files = {
    ca: await write("ca.pem", authority.certificate),
    other: await write("other.pem", other.certificate),
    password: await write("password", "a-password-of-redis\n"),
    wrong: await write("wrong", "another-password\n"),
    certificate: await write("tls.crt", identity.certificate),
    key: await write("tls.key", identity.key),
  };
  const tls = ["--tls-cert-file", files.certificate, "--tls-key-file", files.key];
  await using redis = await startRedis({
    tls: true,
    options: [...tls, "--tls-auth-clients", "no", "--requirepass", "a-password-of-redis"],
  });
  const url = `rediss://127.0.0.1:${redis.port}/3`;
  const start = (ca_file: string, password_file: string) =>
    startReplica({ rate_limit: steady, redis: { url, ca_file, password_file, timeout } });
  await using right = await start(files.ca, files.password);
  await says(right, sharedLine);
  await using distrusting = await start(files.other, files.password);
  await says(distrusting, aloneLine);
  await using wrong = await start(files.ca, files.wrong);
  await says(wrong, aloneLine);
  for (const gateway of [right, distrusting, wrong]) {
    expect(count(await drawMany(gateway, 3))).toBe(3);
    expect(gateway.captured.text()).not.toContain("password");
  }
  expect(wrong.captured.text()).toContain('"reason":"WRONGPASS"');
});
