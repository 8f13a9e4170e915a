import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { draw, fill, metric, type TestGateway } from "../gateway/helpers/gateway.ts";
import { callOf, mcpHeaders, post, postCall } from "./helpers/calls.ts";
import { connectHttp, eras } from "./helpers/clients.ts";
import { startFilled } from "./helpers/gateway.ts";

/** As fetch, but with the Host that is asked for. */
async function statusFor(gateway: TestGateway, named: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(gateway.api);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const options = { hostname, port, path: "/mcp", method: "POST", agent: false };
  request({ ...options, headers: { ...mcpHeaders, ...named } }, (response) => {
    response.resume().once("end", () => resolve(response.statusCode ?? 0));
  })
    .once("error", reject)
    .end(JSON.stringify(callOf(1)));
  return promise;
}

const requests = (gateway: TestGateway, status: number): Promise<number> =>
  metric(gateway, `qrng_gateway_requests_total{route="/mcp",status="${status}"}`);

const code = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;

describe("keys", () => {
  test("a missing or wrong key is a 401 that says how to send one; nothing is drawn", async () => {
    await using made = await startFilled(100);
    const missing = await post(made.gateway, callOf(1), { "x-api-key": "" });
    expect([missing.status, missing.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await code(missing)).toBe("ERR_KEY_MISSING");
    const wrong = await post(made.gateway, callOf(1), { "x-api-key": "x".repeat(30) });
    expect([wrong.status, await code(wrong)]).toEqual([401, "ERR_KEY_UNKNOWN"]);
    await expect(connectHttp(made.gateway, "2025-11-25", "x".repeat(30))).rejects.toThrow();
    await expect(connectHttp(made.gateway, "2026-07-28", "x".repeat(30))).rejects.toThrow();
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
  });

  test("a call's answer says what is left of the key's limits, and is for no cache", async () => {
    await using made = await startFilled(100);
    const response = await post(made.gateway, callOf(1));
    expect(await response.text()).toContain(made.data.subarray(0, 16).toString("hex"));
    expect(response.headers.get("ratelimit")).toContain('"requests";r=');
    expect(response.headers.get("cache-control")).toBe("no-store");
  });
});

describe("whom it answers to", () => {
  test.each<[number, Record<string, string>]>([
    [200, { host: "localhost:7764" }],
    [200, { host: "127.0.0.1" }],
    [200, { host: "[::1]:80" }],
    [403, { host: "attacker.example" }],
    [403, { host: "attacker.example:7764", origin: "http://attacker.example:7764" }],
    [403, { host: "localhost.attacker.example" }],
    [403, { host: "x y" }],
    [200, { host: "localhost:7764", origin: "http://localhost:7764" }],
    [403, { host: "localhost:7764", origin: "http://localhost:7765" }],
    [403, { host: "localhost:7764", origin: "null" }],
    [403, { host: "localhost:7764", origin: "https://attacker.example" }],
    [200, { host: "localhost:7764", origin: "https://app.example" }],
    [200, { host: "localhost:7764", origin: "vscode-webview://panel" }],
  ])("%i for %o", async (status, named) => {
    await using made = await startFilled(100, {
      cors_origins: ["https://app.example"],
      mcp: { allowed_origins: ["vscode-webview://panel"] },
    });
    expect(await statusFor(made.gateway, named)).toBe(status);
    const left = status === 200 ? 84 : 100;
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(left);
  });

  test("hosts that are listed, and then no others", async () => {
    await using made = await startFilled(100, { mcp: { allowed_hosts: ["qrng.example"] } });
    expect(await statusFor(made.gateway, { host: "QRNG.example:443" })).toBe(200);
    expect(await statusFor(made.gateway, { host: "localhost" })).toBe(403);
  });

  test("beyond loopback any host, where none is listed", async () => {
    await using made = await startFilled(100, { listen_address: "0.0.0.0:0" });
    const { port } = new URL(made.gateway.api);
    const gateway = { ...made.gateway, api: `http://127.0.0.1:${port}` };
    expect(await statusFor(gateway, { host: "gateway.svc:7764" })).toBe(200);
    const own = { host: "gateway.svc", origin: "https://gateway.svc" };
    expect(await statusFor(gateway, own)).toBe(200);
    expect(await statusFor(gateway, { ...own, origin: "https://else.svc" })).toBe(403);
    expect(await statusFor(gateway, { host: "x y" })).toBe(403);
  });

  test("a page of a listed origin may send what MCP needs", async () => {
    await using made = await startFilled(0, { cors_origins: ["https://app.example"] });
    const answer = await fetch(`${made.gateway.api}/mcp`, {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "POST" },
    });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
    for (const name of ["mcp-protocol-version", "mcp-method", "mcp-name", "content-type"]) {
      expect(answer.headers.get("access-control-allow-headers")).toContain(name);
    }
  });
});

describe("what it refuses", () => {
  test.each<[number, string, unknown, Record<string, string>?]>([
    [400, "no JSON", "{"],
    [400, "nothing", ""],
    [400, "no JSON-RPC", { hello: "world" }],
    [400, "too many messages at once", Array.from({ length: 101 }, (_, id) => callOf(id))],
    [400, "an unknown revision", callOf(1), { "mcp-protocol-version": "1999-01-01" }],
    [400, "a revision without its envelope", callOf(1), { "mcp-protocol-version": "2026-07-28" }],
    [406, "an answer that it cannot give", callOf(1), { accept: "text/html" }],
    [413, "a long body", `"${"x".repeat(2 ** 20)}"`],
    [415, "another media type", callOf(1), { "content-type": "text/plain" }],
  ])("%i for %s", async (status, _what, body, more) => {
    await using made = await startFilled(100);
    expect((await post(made.gateway, body, more)).status).toBe(status);
    expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBe(100);
    expect(made.gateway.captured.lines().filter(({ level }) => level === "error")).toEqual([]);
  });

  test.each(["GET", "DELETE", "PUT"])("%s: there are no sessions", async (method) => {
    await using made = await startFilled(0);
    const response = await fetch(`${made.gateway.api}/mcp`, { method, headers: mcpHeaders });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("everything, where it is not enabled", async () => {
    await using made = await startFilled(0, { mcp: { enabled: false } });
    for (const found of [
      await post(made.gateway, callOf(1)),
      await fetch(`${made.gateway.api}/mcp`),
    ]) {
      expect([found.status, await code(found)]).toEqual([404, "ERR_PATH"]);
    }
  });
});

describe.each(eras)("what an answer says of limits, %s", (era) => {
  test("is said once its call was charged, with Retry-After where it was refused", async () => {
    const rate_limit = { requests_per_second: 1, burst: 5, bytes_per_second: 100 };
    await using made = await startFilled(120, { rate_limit, max_request_bytes: 100 });
    const steps: [bytes: number, left: RegExp, retryAfter: string | null, text: RegExp][] = [
      [60, /^"requests";r=4;t=1, "bytes";r=4\d;t=1$/, null, /"structuredContent"/],
      [100, /^"requests";r=3;t=1, "bytes";r=\d\d;t=1$/, "1", /ERR_RATE_LIMIT/],
    ];
    for (const [bytes, left, retryAfter, text] of steps) {
      const response = await postCall(made.gateway, era, bytes);
      expect(response.status).toBe(200);
      expect(await response.text()).toMatch(text);
      expect(response.headers.get("ratelimit")).toMatch(left);
      expect(response.headers.get("ratelimit-policy")).toMatch(
        /^"requests";q=5;w=5, "bytes";q=100;/,
      );
      expect(response.headers.get("retry-after")).toBe(retryAfter);
    }
  });

  test("calls are counted with the status that REST would have given", async () => {
    const rate_limit = { requests_per_second: 1, burst: 3 };
    await using made = await startFilled(100, { rate_limit, max_request_bytes: 90 });
    const texts: string[] = [];
    for (const bytes of [60, 60, 91, 1]) {
      const response = await postCall(made.gateway, era, bytes);
      texts.push(/ERR_[A-Z_]+/.exec(await response.text())?.[0] ?? "drawn");
    }
    expect(texts).toEqual(["drawn", "ERR_NO_ENTROPY", "ERR_QUERY", "ERR_RATE_LIMIT"]);
    for (const status of [200, 503, 400, 429]) {
      expect(await requests(made.gateway, status)).toBe(1);
    }
    expect(
      await metric(made.gateway, 'qrng_gateway_request_duration_seconds_count{route="/mcp"}'),
    ).toBe(4);
    expect(
      await metric(made.gateway, 'qrng_gateway_rate_limited_total{key="test",limit="requests"}'),
    ).toBe(1);
  });
});

test("an exchange without a call is counted by its own status", async () => {
  await using made = await startFilled(0);
  await (await post(made.gateway, { jsonrpc: "2.0", id: 1, method: "tools/list" })).text();
  await (await post(made.gateway, callOf(1), { "x-api-key": "" })).text();
  await eventually(async () => (await requests(made.gateway, 401)) === 1);
  expect(await requests(made.gateway, 200)).toBe(1);
});

test("each call of a batch is charged", async () => {
  const rate_limit = { requests_per_second: 1, burst: 5 };
  await using made = await startFilled(1_000, { rate_limit });
  const batch = Array.from({ length: 50 }, (_, id) => callOf(id));
  const text = await (await post(made.gateway, batch)).text();
  const refused = text.match(/ERR_RATE_LIMIT/g)?.length ?? 0;
  expect(refused).toBeGreaterThanOrEqual(40);
  expect(await requests(made.gateway, 429)).toBe(refused);
  expect(await requests(made.gateway, 200)).toBe(50 - refused);
  expect(await metric(made.gateway, "qrng_gateway_buffer_bytes")).toBeGreaterThanOrEqual(840);
});

test("who sends a long body to its end before it reads gets the answer all the same", async () => {
  await using made = await startFilled(100);
  const { hostname, port } = new URL(made.gateway.api);
  const length = 6 * 2 ** 20;
  const lines = ["POST /mcp HTTP/1.1", `content-length: ${length}`];
  for (const [name, value] of Object.entries({ host: hostname, ...mcpHeaders })) {
    lines.push(`${name}: ${value}`);
  }
  for (let time = 0; time < 10; time++) {
    const socket = connect(Number(port), hostname);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const sent = Promise.withResolvers<void>();
    socket.once("error", sent.reject);
    socket.pause();
    socket.write(Buffer.alloc(length, " "), () => sent.resolve());
    await sent.promise;
    const answer: Buffer[] = [];
    for await (const piece of socket as AsyncIterable<Buffer>) answer.push(piece);
    expect(Buffer.concat(answer).toString()).toMatch(/^HTTP\/1\.1 413 /);
  }
});

test("a request that announces no body is told that it has none", async () => {
  await using made = await startFilled(100);
  const { hostname, port } = new URL(made.gateway.api);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (piece) => (answer += piece.toString()));
  const headers = Object.entries({ ...mcpHeaders, host: hostname, connection: "close" });
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`POST /mcp HTTP/1.1\r\n${head}\r\n`);
  await eventually(() => socket.closed);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test("a body that does not say how long it is, is cut at 1 MiB", async () => {
  await using made = await startFilled(100);
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sending = request(`${made.gateway.api}/mcp`, {
    method: "POST",
    headers: mcpHeaders,
    agent: false,
  });
  sending.once("response", (response) => resolve(response.resume().statusCode));
  sending.once("error", reject);
  for (let piece = 0; piece < 5; piece++) sending.write(" ".repeat(2 ** 18));
  expect(await promise).toBe(413);
  sending.destroy();
});

test("what readers have not read yet counts as in flight, until they go", async () => {
  const size = 8 * 2 ** 20;
  const whole = { buffer_size: size, rate_limit: { bytes_per_second: "1GiB" } };
  await using made = await startFilled(size, { ...whole, push: { max_packet_size: size } });
  const { hostname, port } = new URL(made.gateway.api);
  // Two calls in one: the answer to one alone may just fit into the kernel's buffers.
  const body = JSON.stringify([callOf(1, 2 ** 20), callOf(2, 2 ** 20)]);
  const lines = Object.entries(mcpHeaders).map(([name, value]) => `${name}: ${value}`);
  const stalled = Array.from({ length: 4 }, () => {
    const socket = connect(Number(port), hostname).pause();
    socket.on("error", () => undefined);
    const head = [`POST /mcp HTTP/1.1`, `host: ${hostname}`, ...lines];
    socket.write(`${head.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    return socket;
  });
  await eventually(async () => (await metric(made.gateway, "qrng_gateway_buffer_bytes")) === 0);
  await fill(made.gateway, randomBytes(1_000));
  expect((await draw(made.gateway, "?bytes=16")).status).toBe(503);
  for (const socket of stalled) socket.destroy();
  await eventually(async () => (await draw(made.gateway, "?bytes=16")).status === 200);
});
