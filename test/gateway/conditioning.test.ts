import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../helpers/manualClock.ts";
import { seededBytes } from "../helpers/seededBytes.ts";
import {
  draw,
  fill,
  makePacket,
  metric,
  push,
  startTestGateway,
  withKey,
  type TestGateway,
} from "./helpers/gateway.ts";

const immediate = { window: { future: 0 } };
const available = (gateway: TestGateway): Promise<number> =>
  metric(gateway, "qrng_gateway_buffer_bytes");
const status = async (gateway: TestGateway): Promise<Record<string, unknown>> =>
  (await (await fetch(`${gateway.api}/api/status`, { headers: withKey })).json()) as Record<
    string,
    unknown
  >;

describe("Hash never gives out more entropy than came in (I3)", () => {
  test.each([
    [8000, 72],
    [7900, 73],
    [7500, 77],
    [7000, 83],
    [6000, 96],
    [4000, 144],
    [1000, 576],
  ])("H = %i: 64 bytes for each %i", async (h, input) => {
    const config = { conditioning: "Hash" as const, min_entropy_millibits_per_byte: h };
    await using gateway = await startTestGateway({ ...config, push: immediate });
    const pushed: Buffer[] = [];
    let bytes = 0;
    for (const size of [1, input - 1, 1000, 3, 2_500, 10_000]) {
      pushed.push(randomBytes(size));
      await fill(gateway, pushed.at(-1)!);
      bytes += size;
      expect(await available(gateway)).toBe(Math.floor(bytes / input) * 64);
    }
    expect(((await available(gateway)) + 8) * 8).toBeLessThanOrEqual((bytes * h) / 1000);
    const first = Buffer.concat(pushed).subarray(0, input);
    const response = await draw(gateway, "?bytes=64");
    expect(await response.text()).toBe(createHash("sha512").update(first).digest("hex"));
    expect(response.headers.get("x-qrng-conditioning")).toBe("Hash");
    expect(await status(gateway)).toMatchObject({ conditioning: "Hash" });
    expect(await metric(gateway, "qrng_gateway_accepted_bytes_total")).toBe(bytes);
  });

  test("a carried byte that grows too old is not hashed into fresh output", async () => {
    const clock = new ManualClock(Date.now());
    const config = {
      conditioning: "Hash" as const,
      min_entropy_millibits_per_byte: 8000,
      max_age: "10s",
    };
    await using gateway = await startTestGateway({ ...config, push: immediate }, { clock });
    const pushNow = async (data: Buffer): Promise<void> => {
      clock.advance(5);
      const packet = makePacket({ audience: gateway.audience, data, timestamp: clock.wall() });
      expect(await push(gateway, packet)).toBe(200);
    };
    await pushNow(randomBytes(71));
    clock.advance(9_999);
    await pushNow(randomBytes(1));
    expect(await available(gateway)).toBe(0);
    expect(await metric(gateway, 'qrng_gateway_carried_lost_bytes_total{reason="expired"}')).toBe(
      71,
    );
    await pushNow(randomBytes(71));
    expect(await available(gateway)).toBe(64);
  });
});

test("XorSystem gives a byte for a byte, none of them as it came", async () => {
  await using gateway = await startTestGateway({ conditioning: "XorSystem", push: immediate });
  await fill(gateway, Buffer.alloc(1000));
  const response = await draw(gateway, "?bytes=1000&encoding=binary");
  const drawn = Buffer.from(await response.arrayBuffer());
  expect(response.headers.get("x-qrng-conditioning")).toBe("XorSystem");
  expect(await status(gateway)).toMatchObject({ conditioning: "XorSystem" });
  expect(drawn).toHaveLength(1000);
  expect(new Set(drawn).size).toBeGreaterThan(200);
});

test("a source that dies behind a hash is found, and named in status, metric and health", async () => {
  const config = {
    conditioning: "Hash" as const,
    min_entropy_millibits_per_byte: 8000,
    buffer_size: 200_000,
    max_request_bytes: 200_000,
  };
  const packets = { ...immediate, max_packet_size: 200_000 };
  await using gateway = await startTestGateway({ ...config, push: packets });
  await fill(gateway, seededBytes(1)(100_000)); // none of whose blocks fails by chance
  expect(await status(gateway)).toMatchObject({
    status: "healthy",
    quality: { blocks_tested: 40, alarm: null },
  });
  for (let packet = 0; packet < 3; packet++) {
    await fill(
      gateway,
      Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 37 + packet) & 0x3f)),
    );
  }
  expect(await status(gateway)).toMatchObject({
    status: "degraded",
    quality: { blocks_tested: 52, failed_blocks: 12, alarm: "monobit" },
    warnings: [expect.stringMatching(/^quality: .*monobit/)],
  });
  expect(await metric(gateway, "qrng_gateway_quality_alarm")).toBe(1);
  expect(await metric(gateway, "qrng_gateway_quality_blocks_total")).toBe(52);
  expect(await metric(gateway, 'qrng_gateway_quality_failures_total{test="monobit"}')).toBe(12);
});

describe("tests on demand", () => {
  const run = async (gateway: TestGateway, path: string, method = "POST"): Promise<Response> =>
    fetch(`${gateway.api}/api/test/${path}`, { method, headers: withKey });

  test("π by Monte Carlo, by GET as well, from bytes that are charged and used up", async () => {
    await using gateway = await startTestGateway({
      push: { ...immediate, max_packet_size: "1MiB" },
    });
    await fill(gateway, randomBytes(600_000));
    for (const method of ["POST", "GET"]) {
      const response = await run(gateway, "monte-carlo?iterations=50000", method);
      const result = (await response.json()) as Record<string, number>;
      expect(result).toMatchObject({ iterations: 50_000, conditioning: "None" });
      expect(Math.abs(result["estimated_pi"]! - Math.PI)).toBeLessThan(
        6 * result["standard_error"]!,
      );
      expect(result["error"]).toBeCloseTo(Math.abs(result["estimated_pi"]! - Math.PI), 10);
    }
    expect(await available(gateway)).toBe(0);
    expect((await run(gateway, "monte-carlo?iterations=1")).status).toBe(503);
    expect((await run(gateway, "monte-carlo?iterations=0")).status).toBe(400);
  });

  test("statistics of good bytes and of bad ones", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    await fill(gateway, randomBytes(100_000));
    const good = (await (await run(gateway, "quality?bytes=100000")).json()) as {
      fips: { failed_blocks: number };
      chi_square: { p_value: number };
    };
    expect(good).toMatchObject({
      bytes: 100_000,
      fips: { blocks: 40 },
      chi_square: { degrees: 255 },
    });
    expect(good.fips.failed_blocks).toBeLessThan(5);
    expect(good.chi_square.p_value).toBeGreaterThan(1e-9);
    await fill(gateway, Buffer.alloc(10_000, 0x55));
    const bad = await (await run(gateway, "quality?bytes=10000")).json();
    expect(bad).toMatchObject({
      fips: { failed_blocks: 4, passed: false },
      chi_square: { p_value: 0 },
    });
    expect((await run(gateway, "quality", "GET")).status).toBe(405);
    expect((await run(gateway, "quality?bytes=2499")).status).toBe(400);
  });
});
