import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import {
  apiKey,
  draw,
  fill,
  makePacket,
  metric,
  push,
  startTestGateway,
  ways,
  withKey,
} from "./helpers/gateway.ts";

const immediate = { window: { future: 0 } };

async function filled(bytes: number, config: Parameters<typeof startTestGateway>[0] = {}) {
  const gateway = await startTestGateway({ ...config, push: { ...immediate, ...config.push } });
  const data = randomBytes(bytes);
  await fill(gateway, data);
  return { gateway, data, [Symbol.asyncDispose]: () => gateway.stop() };
}

describe.each(ways)("GET /api/random by $way", ({ draw, more }) => {
  test.each(["hex", "base64", "base64url"] as const)("%s is the text itself", async (encoding) => {
    await using made = await filled(30_000);
    for (const [from, bytes] of [
      [0, 1],
      [1, 20_000],
      [20_001, 9_999],
    ] as const) {
      const response = await draw(made.gateway, `?bytes=${bytes}&encoding=${encoding}`);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=us-ascii");
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(await response.text()).toBe(made.data.subarray(from, from + bytes).toString(encoding));
    }
  });

  test("requests that come together on one connection each get bytes of their own", async () => {
    const [count, bytes] = [20, 1_000];
    await using made = await filled(count * bytes);
    const { hostname, port } = new URL(made.gateway.api);
    const headers = Object.entries({ host: hostname, ...withKey, ...more });
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const asked = `GET /api/random?bytes=${bytes}&encoding=binary HTTP/1.1\r\n${head}`;
    const socket = connect(Number(port), hostname);
    const answers: Buffer[] = [];
    socket.on("data", (piece: Buffer) => answers.push(piece));
    socket.write(`${asked}\r\n`.repeat(count - 1) + `${asked}connection: close\r\n\r\n`);
    await eventually(() => socket.closed);
    const rest = Buffer.concat(answers);
    const served: string[] = [];
    for (let end = 0; (end = rest.indexOf("\r\n\r\n", end)) >= 0; end += 4 + bytes) {
      served.push(rest.toString("hex", end + 4, end + 4 + bytes));
    }
    const drawn = served.map((_, at) => made.data.toString("hex", at * bytes, (at + 1) * bytes));
    expect(served).toHaveLength(count);
    expect(served.sort()).toEqual(drawn.sort());
  });

  test("text and binary over many packets are whole", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const packets = Array.from({ length: 20 }, () => randomBytes(1_001));
    for (const data of [...packets, ...packets.map(() => randomBytes(1_001))])
      await fill(gateway, data);
    const text = await (await draw(gateway, "?bytes=20020&encoding=base64")).text();
    expect(text).toBe(Buffer.concat(packets).toString("base64"));
    const binary = await draw(gateway, "?bytes=20020&encoding=binary");
    expect(binary.headers.get("content-type")).toBe("application/octet-stream");
    expect((await binary.arrayBuffer()).byteLength).toBe(20_020);
  });

  test("a slow reader gets its bytes unharmed, although they are zeroed when they have left", async () => {
    await using made = await filled(1_000_000);
    const { hostname, port } = new URL(made.gateway.api);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /api/random?bytes=1000000&encoding=binary HTTP/1.1\r\nhost: x\r\nx-api-key: ${apiKey}\r\nconnection: close\r\n\r\n`,
    );
    const pieces: Buffer[] = [];
    for await (const piece of socket as AsyncIterable<Buffer>) {
      pieces.push(piece);
      if (pieces.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const answer = Buffer.concat(pieces);
    expect(answer.subarray(answer.indexOf("\r\n\r\n") + 4).equals(made.data)).toBe(true);
  });

  test("32 bytes as hex by default, binary for who accepts only that, 406 for the rest", async () => {
    await using made = await filled(1_000);
    const accepting = async (accept: string): Promise<Response> =>
      fetch(`${made.gateway.api}/api/random`, { headers: { ...withKey, accept } });
    expect(await (await draw(made.gateway)).text()).toMatch(/^[0-9a-f]{64}$/);
    expect(await (await accepting("*/*")).text()).toMatch(/^[0-9a-f]{64}$/);
    const binary = await accepting("application/octet-stream, text/plain;q=0.5");
    expect((await binary.arrayBuffer()).byteLength).toBe(32);
    expect(await (await accepting("image/png")).json()).toMatchObject({
      status: 406,
      code: "ERR_ACCEPT",
    });
  });

  test.each([
    ["bytes=0", "bytes"],
    ["bytes=-1", "bytes"],
    ["bytes=1.5", "bytes"],
    ["bytes=1e3", "bytes"],
    ["bytes=0x10", "bytes"],
    ["bytes=", "bytes"],
    ["bytes=1&bytes=2", "bytes"],
    ["bytes=1048577", "bytes: must be a whole number from 1 to 1048576"],
    ["bytes=99999999999999999999", "bytes"],
    ["encoding=hexx", "encoding"],
    ["encoding=hex&encoding=hex", "encoding"],
    ["size=3", "size"],
    ["__proto__=3", "__proto__"],
    ["api_key=abc", "api_key"],
  ])("?%s is refused by name", async (query, named) => {
    await using made = await filled(100);
    const response = await draw(made.gateway, `?${query}`);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = (await response.json()) as { status: number; code: string; detail: string };
    expect(problem).toMatchObject({ status: 400, code: "ERR_QUERY" });
    expect(problem.detail).toContain(named);
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
  });

  test("when there are not enough bytes: 503, Retry-After, a closed connection, and nothing taken", async () => {
    await using made = await filled(100);
    const response = await draw(made.gateway, "?bytes=101");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(response.headers.get("connection")).toBe("close");
    expect(await response.json()).toMatchObject({ status: 503, code: "ERR_NO_ENTROPY" });
    expect(await (await draw(made.gateway, "?bytes=100")).text()).toBe(made.data.toString("hex"));
    expect((await draw(made.gateway, "?bytes=1")).status).toBe(503);
  });

  test("bytes that are too old are not served, also when no push comes any more", async () => {
    const clock = new ManualClock(Date.now());
    await using gateway = await startTestGateway({ max_age: "10s", push: immediate }, { clock });
    clock.advance(5);
    const timestamp = clock.wall();
    expect(await push(gateway, makePacket({ audience: gateway.audience, timestamp }))).toBe(200);
    clock.advance(9_999);
    expect((await draw(gateway, "?bytes=32")).status).toBe(200);
    clock.advance(1);
    expect((await draw(gateway, "?bytes=1")).status).toBe(503);
    expect(await metric(gateway, 'qrng_gateway_bytes_total{flow="expired"}')).toBe(32);
  });

  test("other methods and paths", async () => {
    await using made = await filled(100);
    const { api } = made.gateway;
    for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
      const response = await fetch(`${api}/api/random`, { method, headers: withKey });
      expect([method, response.status, response.headers.get("allow")]).toEqual([
        method,
        405,
        "GET",
      ]);
    }
    const missing = await fetch(`${api}/api/randomm`, { headers: withKey });
    expect(await missing.json()).toMatchObject({ status: 404, code: "ERR_PATH" });
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
  });
});

describe.each(ways)("keys by $way", ({ draw, more }) => {
  test("in either header, and in the URL only where that is allowed", async () => {
    await using made = await filled(100);
    const get = async (headers: Record<string, string>, query = "", api = made.gateway.api) =>
      (await fetch(`${api}/api/random${query}`, { headers: { ...more, ...headers } })).status;
    expect(await get({ authorization: `Bearer ${apiKey}` })).toBe(200);
    expect(await get({ authorization: `bearer ${apiKey}` })).toBe(200);
    expect(await get({ "x-api-key": apiKey })).toBe(200);
    expect(await get({})).toBe(401);
    expect(await get({ "x-api-key": `${apiKey}x` })).toBe(401);
    expect(await get({ authorization: `Basic ${apiKey}` })).toBe(401);
    expect(await get({}, `?api_key=${apiKey}`)).toBe(401);
    await using lenient = await filled(100, { allow_query_key: true });
    expect(await get({}, `?api_key=${apiKey}&bytes=1`, lenient.gateway.api)).toBe(200);
  });

  test("a 401 says how to send a key and never shows one", async () => {
    await using made = await filled(100);
    const wrong = "wrong-key-wrong-key-wrong-key";
    const response = await fetch(`${made.gateway.api}/api/random`, {
      headers: { "x-api-key": wrong },
    });
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status: 401, code: "ERR_KEY_UNKNOWN" });
    expect(text + made.gateway.captured.text()).not.toContain(wrong);
  });

  test("as digests, and re-read when their file changes", async () => {
    await using folder = await makeFolder();
    const file = folder.at("api-keys");
    const digest = createHash("sha256").update(apiKey).digest("hex");
    await writeFile(file, `# clients\n\napp sha256:${digest}\n`, { mode: 0o600 });
    await using made = await filled(100, {
      api_keys: undefined,
      api_keys_file: file,
      rate_limit: { failed_keys_per_minute: 100_000 },
    });
    const status = async (key: string): Promise<number> =>
      (await fetch(`${made.gateway.api}/api/status`, { headers: { ...more, "x-api-key": key } }))
        .status;
    expect(await status(apiKey)).toBe(200);
    await writeFile(file, "other another-key-another-key-1\n", { mode: 0o600 });
    await eventually(async () => (await status("another-key-another-key-1")) === 200 || undefined);
    expect(await status(apiKey)).toBe(401);
    await writeFile(file, "too-short\n", { mode: 0o600 });
    await eventually(() => made.gateway.captured.text().includes("not reloaded") || undefined);
    expect(await status("another-key-another-key-1")).toBe(200);
    expect(made.gateway.captured.text()).not.toContain("too-short");
  });

  test("wrong ones are limited by address, right ones from the same address are not", async () => {
    await using made = await filled(1_000, { rate_limit: { failed_keys_per_minute: 5 } });
    const wrong = async (): Promise<Response> =>
      fetch(`${made.gateway.api}/api/random`, { headers: more });
    for (let attempt = 0; attempt < 5; attempt++) expect((await wrong()).status).toBe(401);
    const limited = await wrong();
    expect(limited.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(await limited.json()).toMatchObject({ status: 429, code: "ERR_RATE_LIMIT" });
    expect((await draw(made.gateway, "?bytes=1")).status).toBe(200);
  });

  test("each has its own limits in requests and in bytes, charged before the work", async () => {
    const clock = new ManualClock(Date.now());
    const keys = [
      { name: "test", key: apiKey },
      { name: "other", key: "other-key-0123456789abc" },
    ];
    const rate_limit = { requests_per_second: 1, burst: 3, bytes_per_second: 100 };
    const config = { api_keys: keys, rate_limit, max_request_bytes: 100, push: immediate };
    await using gateway = await startTestGateway(config, { clock });
    clock.advance(5);
    const packet = makePacket({
      audience: gateway.audience,
      data: randomBytes(5_000),
      timestamp: clock.wall(),
    });
    expect(await push(gateway, packet)).toBe(200);
    expect((await draw(gateway, "?bytes=60")).status).toBe(200);
    const overBytes = await draw(gateway, "?bytes=60");
    expect([overBytes.status, overBytes.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await draw(gateway, "?bytes=40")).status).toBe(200);
    expect((await draw(gateway, "?bytes=1")).status).toBe(429); // the burst is used up
    const other = { headers: { ...more, "x-api-key": "other-key-0123456789abc" } };
    expect((await fetch(`${gateway.api}/api/random?bytes=100`, other)).status).toBe(200);
    clock.advance(1_000);
    expect((await draw(gateway, "?bytes=100")).status).toBe(200);
  });
});

describe("GET /api/status and /health", () => {
  test("say what there is, and what is wrong by name", async () => {
    const clock = new ManualClock(Date.now());
    const config = { simulated: true, buffer_size: 10_000, max_request_bytes: 10_000 };
    const packets = { ...immediate, max_packet_size: 10_000 };
    await using gateway = await startTestGateway({ ...config, push: packets }, { clock });
    const status = async (): Promise<Record<string, unknown>> =>
      (await (await fetch(`${gateway.api}/api/status`, { headers: withKey })).json()) as Record<
        string,
        unknown
      >;
    const health = async (): Promise<number> => (await fetch(`${gateway.api}/health`)).status;

    expect(await health()).toBe(503);
    expect(await metric(gateway, "qrng_gateway_oldest_byte_age_seconds")).toBe(0);
    expect(await status()).toMatchObject({
      status: "unhealthy",
      simulated: true,
      last_data_received: null,
      data_freshness_seconds: null,
      warnings: [/^simulated/, /^empty/, /^stale/].map((pattern) => expect.stringMatching(pattern)),
    });

    clock.advance(5);
    const packet = makePacket({
      audience: gateway.audience,
      data: randomBytes(9_000),
      timestamp: clock.wall(),
    });
    expect(await push(gateway, packet)).toBe(200);
    clock.advance(2_000);
    expect((await draw(gateway, "?bytes=500")).status).toBe(200);
    clock.advance(1_000);
    expect(await health()).toBe(200);
    expect(await status()).toMatchObject({
      status: "healthy",
      deployment_mode: "Push",
      buffer_fill_percent: 85,
      buffer_bytes_available: 8_500,
      buffer_bytes_capacity: 10_000,
      data_freshness_seconds: 3,
      oldest_data_age_seconds: 3,
      newest_data_age_seconds: 3,
      uptime_seconds: 3.005,
      total_requests_served: 2,
      total_bytes_served: 500,
      requests_per_second: 0.2,
      warnings: [expect.stringMatching(/^simulated/)],
    });

    expect(await metric(gateway, "qrng_gateway_oldest_byte_age_seconds")).toBe(3);
    expect(await metric(gateway, "qrng_gateway_stale_seconds")).toBe(3);

    expect((await draw(gateway, "?bytes=8000")).status).toBe(200);
    clock.advance(61_000);
    expect(await metric(gateway, "qrng_gateway_stale_seconds")).toBe(64);
    expect(await status()).toMatchObject({
      status: "degraded",
      warnings: [/^simulated/, /^low/, /^stale/].map((pattern) => expect.stringMatching(pattern)),
    });
  });

  test("a full buffer that turns packets away is not stale", async () => {
    const clock = new ManualClock(Date.now());
    const config = { buffer_size: 10_000, max_request_bytes: 10_000 };
    const packets = { ...immediate, max_packet_size: 10_000 };
    await using gateway = await startTestGateway({ ...config, push: packets }, { clock });
    const offer = (keyHex?: string): Promise<number> => {
      clock.advance(61_000);
      const fields = { audience: gateway.audience, data: randomBytes(9_000), keyHex };
      return push(gateway, makePacket({ ...fields, timestamp: clock.wall() }));
    };
    const warnings = async (): Promise<unknown> => {
      const response = await fetch(`${gateway.api}/api/status`, { headers: withKey });
      return ((await response.json()) as { warnings: unknown }).warnings;
    };
    expect(await offer()).toBe(200);
    expect(await offer()).toBe(507);
    expect(await warnings()).toEqual([]);
    expect(await offer("5b".repeat(32))).toBe(401); // anybody can send what nobody signed
    expect(await warnings()).toEqual(["stale: nothing has come in for 122 seconds"]);
  });

  test("status needs a key and costs a request", async () => {
    await using gateway = await startTestGateway({
      rate_limit: { burst: 1, requests_per_second: 1 },
    });
    expect((await fetch(`${gateway.api}/api/status`)).status).toBe(401);
    expect((await fetch(`${gateway.api}/api/status`, { headers: withKey })).status).toBe(200);
    expect((await fetch(`${gateway.api}/api/status`, { headers: withKey })).status).toBe(429);
  });
});

describe("readiness", () => {
  test("from the first bytes on, also when they are gone again", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const ready = async (): Promise<number> => (await fetch(`${gateway.management}/readyz`)).status;
    expect(await ready()).toBe(503);
    await fill(gateway, randomBytes(10));
    expect(await ready()).toBe(200);
    expect((await draw(gateway, "?bytes=10")).status).toBe(200);
    expect(await ready()).toBe(200);
  });

  test("after a minute without any", async () => {
    const clock = new ManualClock();
    await using gateway = await startTestGateway({}, { clock });
    const ready = async (): Promise<number> => (await fetch(`${gateway.management}/readyz`)).status;
    clock.advance(59_999);
    expect(await ready()).toBe(503);
    clock.advance(1);
    expect(await ready()).toBe(200);
  });
});

test.each(["hex", "binary"])(
  "a client that does not read its %s answer holds no more than the buffer's size",
  async (encoding) => {
    const mebibytes = (count: number): number => count * 2 ** 20;
    const size = { buffer_size: mebibytes(16), max_request_bytes: mebibytes(16) };
    const push = { ...immediate, max_packet_size: mebibytes(16) };
    await using gateway = await startTestGateway({ ...size, push });
    const available = (): Promise<number> => metric(gateway, "qrng_gateway_buffer_bytes");
    await fill(gateway, randomBytes(mebibytes(15)));
    const { hostname, port } = new URL(gateway.api);
    const stalled = connect(Number(port), hostname).pause();
    stalled.on("error", () => undefined);
    // More than the kernel's own buffers take, so it stays with the gateway.
    const query = `bytes=${mebibytes(15)}&encoding=${encoding}`;
    stalled.write(`GET /api/random?${query} HTTP/1.1\r\nhost: x\r\nx-api-key: ${apiKey}\r\n\r\n`);
    await eventually(async () => (await available()) === 0);

    await fill(gateway, randomBytes(mebibytes(4)));
    const large = async (): Promise<number> => {
      const response = await draw(gateway, `?bytes=${mebibytes(2)}&encoding=binary`);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await large()).toBe(503);
    expect((await draw(gateway, "?bytes=32")).status).toBe(200);
    stalled.destroy();
    await eventually(async () => (await large()) === 200);
  },
);
