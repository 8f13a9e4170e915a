import { describe, expect, test } from "vitest";
import { draw, metric } from "../gateway/helpers/gateway.ts";
import { call, connectHttp, failure, problem, ways } from "./helpers/clients.ts";
import { startFilled } from "./helpers/gateway.ts";

interface Bytes {
  readonly bytes: number;
  readonly encoding: BufferEncoding;
  readonly data: string;
}

describe.each(ways)("$name", ({ connect }) => {
  test("lists six tools, each with schemas and what it does to the buffer", async () => {
    await using made = await startFilled(0);
    await using client = await connect(made.gateway);
    const { tools } = await client.listTools();
    const draws = { readOnlyHint: false, destructiveHint: false, idempotentHint: false };
    const looks = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };
    expect(tools.map(({ name, annotations }) => [name, annotations])).toEqual(
      Object.entries({
        get_random_bytes: { title: "Random bytes", ...draws },
        get_random_integers: { title: "Random integers", ...draws },
        get_random_floats: { title: "Random floats", ...draws },
        get_random_uuid: { title: "Random UUIDs", ...draws },
        get_status: { title: "Gateway status", ...looks },
        get_data_quality: { title: "Data quality", ...looks },
      }).map(([name, hints]) => [name, { ...hints, openWorldHint: false }]),
    );
    for (const { inputSchema, outputSchema } of tools) {
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(outputSchema).toMatchObject({ type: "object", additionalProperties: false });
    }
  });

  test("draws from the gateway's buffer, in order, and never twice", async () => {
    await using made = await startFilled(200);
    await using client = await connect(made.gateway);
    let at = 0;
    const next = (count: number): Buffer => made.data.subarray(at, (at += count));
    for (const encoding of ["hex", "base64", "base64url"] as const) {
      const got = await call<Bytes>(client, "get_random_bytes", { bytes: 10, encoding });
      expect(got).toEqual({ bytes: 10, encoding, data: next(10).toString(encoding) });
    }
    expect(await (await draw(made.gateway, "?bytes=20")).text()).toBe(next(20).toString("hex"));
    expect(await call(client, "get_random_bytes")).toMatchObject({
      data: next(32).toString("hex"),
    });
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(200 - at);
  });

  test("numbers are in range, and exact at 64 bits", async () => {
    await using made = await startFilled(100_000);
    await using client = await connect(made.gateway);
    const integers = async (args: object): Promise<unknown[]> =>
      (await call<{ integers: unknown[] }>(client, "get_random_integers", { ...args })).integers;
    const dice = await integers({ count: 500, min: 1, max: 6 });
    expect(new Set(dice)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
    expect(await integers({})).toEqual([expect.any(Number)]);
    expect(await integers({ min: "7", max: 7, count: 2 })).toEqual([7, 7]);
    const wide = await integers({ count: 100, min: "0", max: "18446744073709551615" });
    expect(wide.every((text) => BigInt(text as string) < 2n ** 64n)).toBe(true);
    expect(wide.some((text) => BigInt(text as string) > 2n ** 60n)).toBe(true);
    const { floats } = await call<{ floats: number[] }>(client, "get_random_floats", {
      count: 1000,
    });
    expect(floats.length === 1000 && floats.every((value) => value >= 0 && value < 1)).toBe(true);
    const { uuids } = await call<{ uuids: string[] }>(client, "get_random_uuid", { count: 50 });
    expect(new Set(uuids).size).toBe(50);
    expect(await call(client, "get_random_uuid")).toEqual({
      uuids: [expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/)],
    });
  });

  test("status and quality are the gateway's own, and use no bytes", async () => {
    await using made = await startFilled(5_000, { simulated: true });
    await using client = await connect(made.gateway);
    expect(await call(client, "get_status")).toMatchObject({
      simulated: true,
      buffer_bytes_available: 5_000,
      quality: { blocks_tested: 2 },
      warnings: [expect.stringContaining("simulated"), expect.stringContaining("low")],
    });
    expect(await call(client, "get_data_quality")).toMatchObject({
      blocks_tested: 2,
      failures: expect.any(Object),
      alarm: null,
    });
    expect(await call(client, "get_status")).toMatchObject({
      buffer_bytes_available: 5_000,
      total_requests_served: 2,
    });
  });

  test("says what is wrong with a call, and takes nothing for it", async () => {
    await using made = await startFilled(100);
    await using client = await connect(made.gateway);
    const refused = (name: string, args: Record<string, unknown>): Promise<string> =>
      failure(client, name, args);
    expect(await refused("get_random_bytes", { bytes: 0 })).toContain("bytes");
    expect(await refused("get_random_bytes", { encoding: "binary" })).toContain("encoding");
    expect(await refused("get_random_bytes", { byte: 1 })).toContain("byte");
    expect(await refused("get_random_integers", { min: 1.5 })).toContain("min: must be a whole");
    expect(await refused("get_random_integers", { max: "1e3" })).toContain("max: must be a whole");
    expect(await refused("get_random_integers", { max: "18446744073709551616" })).toContain("max:");
    expect(await refused("get_random_floats", { count: 10_001 })).toContain("count");
    expect(await refused("get_status", { now: true })).toContain("now");
    expect(await problem(client, "get_random_integers", { min: 2, max: 1 })).toEqual({
      status: 400,
      code: "ERR_QUERY",
      detail: "min: must not be above max",
    });
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
  });

  test("an empty buffer is a 503 with the seconds to wait, and nothing is made up", async () => {
    await using made = await startFilled(16);
    await using client = await connect(made.gateway);
    for (const name of ["get_random_bytes", "get_random_floats", "get_random_uuid"]) {
      expect(await problem(client, name, name === "get_random_bytes" ? {} : { count: 3 })).toEqual({
        status: 503,
        code: "ERR_NO_ENTROPY",
        detail: "fewer fresh bytes than asked for; none was taken",
        retry_after_seconds: 1,
      });
    }
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(16);
  });

  test("limits are the key's own: requests and bytes, shared with REST", async () => {
    const rate_limit = { requests_per_second: 1, burst: 5, bytes_per_second: 1 };
    await using made = await startFilled(1_000, { rate_limit, max_request_bytes: 40 });
    await using client = await connect(made.gateway);
    await (await draw(made.gateway, "?bytes=20")).text();
    expect(await problem(client, "get_random_bytes", { bytes: 40 })).toEqual({
      status: 429,
      code: "ERR_RATE_LIMIT",
      detail: "this key's limit of random bytes is reached",
      retry_after_seconds: expect.toSatisfy((seconds) => seconds > 1 && seconds <= 20),
    });
    const calls = await Promise.all(
      Array.from({ length: 40 }, () => client.callTool({ name: "get_status", arguments: {} })),
    );
    const refused = calls.filter(({ isError }) => isError === true);
    expect(refused.length).toBeGreaterThan(20);
    expect(JSON.stringify(refused[0]?.content)).toContain("this key's limit of requests");
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(980);
  });

  test("many calls at once get bytes of their own each", async () => {
    await using made = await startFilled(50 * 16);
    await using client = await connect(made.gateway);
    const all = await Promise.all(
      Array.from({ length: 50 }, () => call<Bytes>(client, "get_random_bytes", { bytes: 16 })),
    );
    const pushed = Array.from({ length: 50 }, (_, index) =>
      made.data.subarray(index * 16, index * 16 + 16).toString("hex"),
    );
    expect(all.map(({ data }) => data).toSorted()).toEqual(pushed.toSorted());
  });
});

test("the largest draw is whole, and the gateway's own bound holds", async () => {
  const size = 2 ** 20;
  const config = { rate_limit: { bytes_per_second: "64MiB" }, push: { max_packet_size: "4MiB" } };
  await using made = await startFilled(2 * size, config);
  await using client = await connectHttp(made.gateway, "2026-07-28");
  const got = await call<Bytes>(client, "get_random_bytes", { bytes: size });
  expect(Buffer.from(got.data, "hex").equals(made.data.subarray(0, size))).toBe(true);
  await using small = await startFilled(100, { max_request_bytes: 50 });
  await using other = await connectHttp(small.gateway, "2025-11-25");
  expect(await problem(other, "get_random_bytes", { bytes: 51 })).toEqual({
    status: 400,
    code: "ERR_QUERY",
    detail: "asks for 51 random bytes; one request may draw 50",
  });
});
