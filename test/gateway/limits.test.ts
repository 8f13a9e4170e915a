import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { chargeBytes, chargeRequest, limitHeaders } from "../../gateway/api/limits.ts";
import { KeyTable } from "../../gateway/api/keys.ts";
import { Problem } from "../../gateway/problem.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import {
  draw as drawPlainly,
  fill,
  makePacket,
  metric,
  push,
  startTestGateway,
  ways,
  withKey,
  type TestGateway,
} from "./helpers/gateway.ts";

const text = "0123456789abcdefghijkl";
const day = 86_400_000;
const immediate = { window: { future: 0 } };

/** What a charge throws, or undefined. */
function refusal(charge: () => void | Promise<void>): Problem | undefined {
  try {
    expect(charge()).toBeUndefined(); // no promise without Redis
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

describe("a key's limits", () => {
  const anyLimits = fc.record({
    requests_per_second: fc.integer({ min: 1, max: 20 }),
    burst: fc.integer({ min: 1, max: 20 }),
    bytes_per_second: fc.integer({ min: 1, max: 1_000 }),
    daily_bytes: fc.integer({ min: 1, max: 20_000 }),
  });
  const anySteps = fc.array(
    fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: day })),
      bytes: fc.integer({ min: 1, max: 500 }),
    }),
    { maxLength: 60 },
  );

  test("against a simple model, with time: each by itself, and a refusal costs nothing", () => {
    const property = fc.property(anyLimits, anySteps, (limits, steps) => {
      const clock = new ManualClock(Date.UTC(2026, 0, 1, 23, 59, 50));
      const rate_limit = { requests_per_second: 1, burst: 1, bytes_per_second: 1 };
      const table = new KeyTable({ rate_limit, max_request_bytes: 500 }, { clock });
      const key = table.replace([{ name: "a", key: text, ...limits }]).find(text)!;
      // Thousandths, so that the model has no rounding.
      const full = {
        requests: limits.burst * 1000,
        bytes: Math.max(limits.bytes_per_second, 500) * 1000,
      };
      const model = { ...full, day: limits.daily_bytes };
      for (const { wait, bytes } of steps) {
        const before = Number(clock.wall() / 1_000_000n);
        clock.advance(wait);
        if (Math.floor((before + wait) / day) > Math.floor(before / day)) {
          model.day = limits.daily_bytes;
        }
        const { requests_per_second: requestRate, bytes_per_second: byteRate } = limits;
        model.requests = Math.min(full.requests, model.requests + wait * requestRate);
        model.bytes = Math.min(full.bytes, model.bytes + wait * byteRate);

        const now = clock.monotonic();
        const request = refusal(() => chargeRequest(key, now));
        // Where the last digit decides, either answer is right.
        if (!nearly(1000, model.requests)) {
          expect(request === undefined).toBe(1000 < model.requests);
        }
        if (request === undefined) model.requests -= 1000;

        const drawn = refusal(() => chargeBytes(key, bytes, now));
        if (!nearly(bytes * 1000, model.bytes)) {
          expect(drawn === undefined).toBe(bytes * 1000 < model.bytes && bytes <= model.day);
        }
        if (drawn === undefined) {
          model.bytes -= bytes * 1000;
          model.day -= bytes;
        }
        for (const { headers } of [request, drawn].filter((problem) => problem !== undefined)) {
          expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
        }
        const left = limitHeaders(key, now)["ratelimit"];
        expect(left).toContain(`"day";r=${model.day};`);
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  test("what Retry-After promises holds, for each limit", () => {
    const property = fc.property(anyLimits, fc.integer({ min: 1, max: 500 }), (limits, bytes) => {
      const clock = new ManualClock();
      const rate_limit = { requests_per_second: 1, burst: 1, bytes_per_second: 1 };
      const table = new KeyTable({ rate_limit, max_request_bytes: 500 }, { clock });
      const entry = { name: "a", key: text, ...limits, daily_bytes: limits.daily_bytes + bytes };
      const key = table.replace([entry]).find(text)!;
      for (const charge of [
        () => chargeRequest(key, clock.monotonic()),
        () => chargeBytes(key, bytes, clock.monotonic()),
      ]) {
        let refused = refusal(charge);
        for (let tries = 0; refused === undefined; tries++) refused = refusal(charge);
        // The bucket first, and when that is full again perhaps the day.
        for (let wait = 0; wait < 2 && refused !== undefined; wait++) {
          clock.advance(Number(refused.headers["retry-after"]) * 1000);
          refused = refusal(charge);
        }
        expect(refused).toBeUndefined();
      }
    });
    fc.assert(property, { numRuns: 200 });
  });
});

const nearly = (a: number, b: number): boolean => Math.abs(a - b) < 1e-3;

/** A header's items by name, as any parser of structured fields sees them. */
function items(response: Response, header: string): Record<string, object> {
  const list = parseList(response.headers.get(header) ?? "");
  return Object.fromEntries(
    list.map(([name, parameters]) => [name, Object.fromEntries(parameters)]),
  );
}

describe.each(ways)("the headers by $way", ({ draw, more }) => {
  test("of the IETF draft are on each answer that was charged", async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1, 12));
    const rate_limit = {
      requests_per_second: 2,
      burst: 5,
      bytes_per_second: 100,
      daily_bytes: 300,
    };
    const config = { rate_limit, max_request_bytes: 150, push: immediate };
    await using gateway = await startTestGateway(config, { clock });
    clock.advance(5);
    const packet = { audience: gateway.audience, data: randomBytes(230), timestamp: clock.wall() };
    expect(await push(gateway, makePacket(packet))).toBe(200);
    const policy = {
      requests: { q: 5, w: 3 },
      bytes: { q: 150, qu: "content-bytes", w: 2 },
      day: { q: 300, qu: "content-bytes", w: 86_400 },
    };
    const until = { requests: 1, bytes: 1, day: 43_200 };
    const expectAnswer = async (
      query: string,
      status: number,
      left: Record<keyof typeof until, number>,
    ) => {
      const response = await draw(gateway, query);
      expect(response.status).toBe(status);
      expect(items(response, "ratelimit-policy")).toEqual(policy);
      const wanted = Object.entries(left).map(([name, r]) => [
        name,
        { r, t: until[name as "day"] },
      ]);
      expect(items(response, "ratelimit")).toEqual(Object.fromEntries(wanted));
      return response;
    };
    await expectAnswer("?bytes=100", 200, { requests: 4, bytes: 50, day: 200 });
    await expectAnswer("?bytes=0", 400, { requests: 3, bytes: 50, day: 200 });
    const limited = await expectAnswer("?bytes=100", 429, { requests: 2, bytes: 50, day: 200 });
    expect(limited.headers.get("retry-after")).toBe("1");
    clock.advance(1_000);
    until.day -= 1;
    await expectAnswer("?bytes=130", 200, { requests: 3, bytes: 20, day: 70 });
    clock.advance(2_000);
    until.day -= 2;
    const overDay = await expectAnswer("?bytes=71", 429, { requests: 4, bytes: 150, day: 70 });
    expect(overDay.headers.get("retry-after")).toBe(String(until.day));
    // Nothing is left, so nothing is charged but the request.
    await expectAnswer("?bytes=60", 503, { requests: 3, bytes: 150, day: 70 });
    for (const requests of [2, 1, 0])
      await expectAnswer("?bytes=0", 400, { requests, bytes: 150, day: 70 });
    await expectAnswer("?bytes=1", 429, { requests: 0, bytes: 150, day: 70 });
    const open = await fetch(`${gateway.api}/health`);
    expect(open.headers.has("ratelimit")).toBe(false);
  });

  test("tell nothing of limits to who has no key", async () => {
    await using gateway = await startTestGateway();
    const response = await fetch(`${gateway.api}/api/random`, { headers: more });
    expect([response.status, response.headers.has("ratelimit-policy")]).toEqual([401, false]);
  });
});

test("the bytes of a day are free again at midnight in UTC, and not when the clock is set back", async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1, 23, 59, 59));
  const rate_limit = { daily_bytes: 100 };
  const config = { rate_limit, max_request_bytes: 100, max_age: "7d", push: immediate };
  await using gateway = await startTestGateway(config, { clock });
  clock.advance(5);
  const packet = { audience: gateway.audience, data: randomBytes(1_000), timestamp: clock.wall() };
  expect(await push(gateway, makePacket(packet))).toBe(200);
  const drawn = async (bytes: number): Promise<number> =>
    (await drawPlainly(gateway, `?bytes=${bytes}`)).status;
  expect([await drawn(60), await drawn(41), await drawn(40), await drawn(1)]).toEqual([
    200, 429, 200, 429,
  ]);
  clock.advance(994);
  expect(await drawn(1)).toBe(429);
  clock.advance(1);
  expect(await drawn(100)).toBe(200);
  clock.step(-1_000);
  expect(await drawn(1)).toBe(429);
  clock.advance(day + 1_000);
  expect([await drawn(100), await drawn(1)]).toEqual([200, 429]);
});

test("clients behind one address do not starve each other", async () => {
  const api_keys = [
    { name: "greedy", key: "greedy-0123456789abcdef", requests_per_second: 1, burst: 2 },
    { name: "expired", key: "expired-0123456789abcdef", expires: "2020-01-01T00:00:00Z" },
    { name: "modest", key: "modest-0123456789abcdef" },
  ];
  const rate_limit = { failed_keys_per_minute: 3 };
  await using gateway = await startTestGateway({ api_keys, rate_limit, push: immediate });
  await fill(gateway, randomBytes(10_000));
  const drawAs = async (name: string): Promise<number> => {
    const headers = { "x-api-key": `${name}-0123456789abcdef` };
    return (await fetch(`${gateway.api}/api/random?bytes=1`, { headers })).status;
  };
  const statuses = async (name: string): Promise<number[]> => {
    const answers: number[] = [];
    for (let count = 0; count < 10; count++) answers.push(await drawAs(name));
    return answers.filter((status, index) => status !== answers[index - 1]);
  };
  expect(await statuses("greedy")).toEqual([200, 429]);
  expect(await statuses("wrong")).toEqual([401, 429]);
  expect(await statuses("expired")).toEqual([403]);
  expect(await statuses("modest")).toEqual([200]);
  expect((await fetch(`${gateway.api}/api/status`, { headers: withKey })).status).toBe(429);
});

describe("refusals are counted", () => {
  const refusedOf = (gateway: TestGateway, key: string, limit: string): Promise<number> =>
    metric(gateway, `qrng_gateway_rate_limited_total{key="${key}",limit="${limit}"}`);

  test("by the key's name and the limit that was reached", async () => {
    const rate_limit = {
      requests_per_second: 1,
      burst: 6,
      bytes_per_second: 100,
      daily_bytes: 150,
    };
    const config = { rate_limit, max_request_bytes: 100, push: immediate };
    const clock = new ManualClock();
    const api_keys = ["eager", "modest"].map((name) => ({ name, key: `${name}-0123456789abcdef` }));
    await using gateway = await startTestGateway({ ...config, api_keys }, { clock });
    clock.advance(5);
    const packet = { audience: gateway.audience, data: randomBytes(900), timestamp: clock.wall() };
    expect(await push(gateway, makePacket(packet))).toBe(200);
    const statuses: number[] = [];
    const drawEagerly = async (bytes: number): Promise<void> => {
      const headers = { "x-api-key": "eager-0123456789abcdef" };
      const url = `${gateway.api}/api/random?bytes=${bytes}`;
      statuses.push((await fetch(url, { headers })).status);
    };
    for (const bytes of [100, 1, 1]) await drawEagerly(bytes); // the bytes of a second
    clock.advance(1_000);
    for (const bytes of [51, 51, 51, 1, 1]) await drawEagerly(bytes); // of the day, and requests
    expect(statuses).toEqual([200, 429, 429, 429, 429, 429, 200, 429]);
    const counts = { requests: 1, bytes: 2, day: 3 };
    for (const [limit, count] of Object.entries(counts)) {
      expect(await refusedOf(gateway, "eager", limit)).toBe(count);
      expect(await refusedOf(gateway, "modest", limit)).toBe(0);
    }
  });

  test("for the keys of the file, and no others", async () => {
    await using folder = await makeFolder();
    const file = folder.at("api-keys");
    const write = (...names: string[]): Promise<void> =>
      writeFile(file, names.map((name) => `${name} ${name}-0123456789abcdef burst=1\n`).join(""), {
        mode: 0o600,
      });
    await write("first", "second");
    const clock = new ManualClock();
    const keys = { api_keys: undefined, api_keys_file: file };
    await using gateway = await startTestGateway(keys, { clock });
    const headers = { "x-api-key": "second-0123456789abcdef" };
    for (let tries = 0; tries < 3; tries++) await fetch(`${gateway.api}/api/status`, { headers });
    await write("second", "third");
    await eventually(async () => (await refusedOf(gateway, "third", "requests")) === 0);
    expect(await refusedOf(gateway, "first", "requests")).toBeNaN();
    expect(await refusedOf(gateway, "second", "requests")).toBe(2);
  });
});
