import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { apiKey, draw, fill, metric, startTestGateway, withKey } from "./helpers/gateway.ts";

const immediate = { window: { future: 0 } };

test("every answer carries the security headers, and none says what serves it", async () => {
  await using gateway = await startTestGateway({ push: immediate });
  await fill(gateway, randomBytes(100));
  const answers = [
    await draw(gateway),
    await draw(gateway, "?bytes=0"),
    await fetch(`${gateway.api}/health`),
    await fetch(`${gateway.api}/nowhere`),
    await fetch(`${gateway.api}/api/openapi.json`),
  ];
  for (const { headers } of answers) {
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-qrng-conditioning")).toBe("None");
    expect([headers.get("server"), headers.get("x-powered-by")]).toEqual([null, null]);
  }
});

test("HEAD is answered where nothing is drawn, OPTIONS everywhere", async () => {
  await using gateway = await startTestGateway();
  const head = async (path: string): Promise<number> =>
    (await fetch(`${gateway.api}${path}`, { method: "HEAD", headers: withKey })).status;
  expect(await head("/api/status")).toBe(200);
  expect(await head("/api/openapi.json")).toBe(200);
  expect(await head("/api/random")).toBe(405);
  expect(await head("/")).toBe(200);
  const options = await fetch(`${gateway.api}/api/test/monte-carlo`, { method: "OPTIONS" });
  expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, POST, OPTIONS"]);
});

test("a path in another spelling is none, whatever the method, and draws nothing", async () => {
  await using gateway = await startTestGateway({ push: immediate });
  await fill(gateway, randomBytes(1_000));
  for (const path of ["/api/random/", "/API/random", "//api/random", "/api//random"]) {
    for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
      const response = await fetch(`${gateway.api}${path}`, { method, headers: withKey });
      expect([path, method, response.status]).toEqual([path, method, 404]);
    }
  }
  expect(await metric(gateway, "qrng_gateway_buffer_bytes")).toBe(1_000);
  const mistyped = await fetch(`${gateway.api}/api/integer`, { headers: withKey });
  expect(await mistyped.json()).toMatchObject({
    code: "ERR_PATH",
    detail: expect.stringMatching(/^did you mean \/api\/integers\? known here: \/health, /),
  });
});

test("pages of other origins may read nothing unless they are listed", async () => {
  const origin = "https://app.example";
  const ask = async (api: string, method: string, from: string): Promise<Response> =>
    fetch(`${api}/api/status`, { method, headers: { ...withKey, origin: from } });
  await using closed = await startTestGateway();
  for (const method of ["GET", "OPTIONS"]) {
    expect(
      (await ask(closed.api, method, origin)).headers.get("access-control-allow-origin"),
    ).toBeNull();
  }
  await using open = await startTestGateway({ cors_origins: [origin] });
  const allowed = await ask(open.api, "GET", origin);
  expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
  expect(allowed.headers.get("vary")).toContain("origin");
  const preflight = await ask(open.api, "OPTIONS", origin);
  expect(preflight.headers.get("access-control-allow-headers")).toContain("x-api-key");
  const other = await ask(open.api, "GET", "https://evil.example");
  expect(other.headers.get("access-control-allow-origin")).toBeNull();
});

/** A raw connection that has sent a text. */
function open(url: string, text: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("error", () => undefined).on("data", (piece) => (answer += piece.toString("latin1")));
  socket.write(text);
  return { socket, answer: () => answer };
}

describe.concurrent.each(["api", "push", "management"] as const)("the %s listener", (listener) => {
  test("cuts heads that are too large or do not end, and serves others meanwhile", async () => {
    await using gateway = await startTestGateway({ push: immediate });
    const url = gateway[listener];
    const large = open(url, `GET /health HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`);
    await eventually(() => large.answer().startsWith("HTTP/1.1 431"));
    const slow = Array.from({ length: 50 }, () =>
      open(url, "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: "),
    );
    const next = open(url, "OPTIONS / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    await eventually(() => /^HTTP\/1\.1 (?:204|404|405)/.test(next.answer()));
    expect(slow.some(({ socket }) => socket.closed)).toBe(false);
    await eventually(() => slow.every(({ socket }) => socket.closed), 30_000);
  });

  test("says nothing of what serves it", async () => {
    await using gateway = await startTestGateway();
    const { headers } = await fetch(gateway[listener]);
    expect([headers.get("server"), headers.get("x-powered-by")]).toEqual([null, null]);
  });
});

test.concurrent("a body that comes too slowly is cut, and nothing of it is taken", async () => {
  await using gateway = await startTestGateway({ push: immediate });
  const head = [
    "POST /push HTTP/1.1",
    "host: x",
    "content-type: application/msgpack",
    "content-length: 200",
    `x-qrng-audience: ${gateway.audience}`,
  ];
  const slow = open(gateway.push, `${head.join("\r\n")}\r\n\r\n\x97`);
  await fill(gateway, randomBytes(8));
  expect(slow.socket.closed).toBe(false);
  await eventually(() => slow.socket.closed, 55_000);
  expect(await metric(gateway, "qrng_gateway_accepted_bytes_total")).toBe(8);
});

test.concurrent(
  "a client that reads no more of its answer is cut",
  { timeout: 110_000 },
  async () => {
    const size = 16 * 2 ** 20; // more than the system takes for a client that does not read
    await using gateway = await startTestGateway({
      buffer_size: size,
      max_request_bytes: size,
      push: { ...immediate, max_packet_size: size },
    });
    await fill(gateway, randomBytes(size));
    const path = `/api/random?bytes=${size}&encoding=binary`;
    const head = `GET ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${apiKey}\r\n\r\n`;
    const { socket } = open(gateway.api, head);
    socket.pause();
    await eventually(async () => (await metric(gateway, "qrng_gateway_buffer_bytes")) === 0);
    await fill(gateway, randomBytes(1_000));
    expect((await draw(gateway, "?bytes=1000")).status).toBe(503); // as much as may be is under way
    await eventually(async () => (await draw(gateway, "?bytes=1000")).status === 200, 100_000);
    socket.destroy();
  },
);

test("collectors' connections are bounded on their own", async () => {
  await using gateway = await startTestGateway({ push: { ...immediate, max_connections: 2 } });
  const held = [open(gateway.push, ""), open(gateway.push, "")];
  await Promise.all(held.map(({ socket }) => once(socket, "connect")));
  const refused = open(gateway.push, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await eventually(() => refused.socket.closed);
  expect(refused.answer()).toBe("");
  expect((await fetch(`${gateway.api}/health`)).status).toBe(503);
  held[0]!.socket.destroy();
  await eventually(async () => (await fetch(gateway.push).catch(() => undefined))?.status === 405);
  held[1]!.socket.destroy();
});

test("metrics tell requests by route and status, and unknown paths as one", async () => {
  await using gateway = await startTestGateway({ push: immediate });
  await fill(gateway, randomBytes(100));
  await (await draw(gateway, "?bytes=1")).text();
  await (await draw(gateway, "?bytes=101")).text();
  for (let path = 0; path < 5; path++)
    await (await fetch(`${gateway.api}/${apiKey}/${path}`)).text();
  const requests = (labels: string): Promise<number> =>
    metric(gateway, `qrng_gateway_requests_total{${labels}}`);
  await eventually(async () => (await requests('route="/api/random",status="200"')) === 1);
  expect(await requests('route="/api/random",status="503"')).toBe(1);
  expect(await requests('route="other",status="404"')).toBe(5);
  expect(
    await metric(gateway, 'qrng_gateway_request_duration_seconds_count{route="/api/random"}'),
  ).toBe(2);
  expect(
    await metric(gateway, 'qrng_gateway_request_duration_seconds_bucket{le="+Inf",route="other"}'),
  ).toBe(5);
  const text = await (await fetch(`${gateway.management}/metrics`)).text();
  expect(text).not.toContain(apiKey);
});
