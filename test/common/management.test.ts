import { afterEach, beforeEach, expect, test } from "vitest";
import { Registry } from "prom-client";
import { ConfigError } from "../../common/errors.ts";
import { startManagement, type Management } from "../../common/management.ts";
import { exposeCount, exposeGauge, exposeTally, Tally } from "../../common/metrics.ts";
import { captureLog, type CapturedLog } from "../helpers/capturedLog.ts";

const anyPort = { host: "127.0.0.1", port: 0 };
let registry: Registry;
let reason: string | undefined;
let captured: CapturedLog;
let management: Management;

const start = (address = anyPort): Promise<Management> =>
  startManagement({ address, registry, notReady: () => reason, log: captured.log });

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${management.address.port}${path}`, init);

beforeEach(async () => {
  registry = new Registry();
  reason = undefined;
  captured = captureLog();
  management = await start();
});
afterEach(() => management.stop());

test("/healthz is 200", async () => {
  const response = await ask("/healthz");
  expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("/readyz says what is being waited for, until nothing is", async () => {
  reason = "no bytes yet";
  const waiting = await ask("/readyz");
  expect([waiting.status, await waiting.text()]).toEqual([503, "no bytes yet\n"]);
  reason = undefined;
  const ready = await ask("/readyz");
  expect([ready.status, await ready.text()]).toEqual([200, "ready\n"]);
});

test("/metrics has what is counted at that moment", async () => {
  const tally = new Tally(["taken", "seen"]);
  let count = 1;
  exposeTally(registry, "test_pushes_total", "Pushes.", "outcome", tally);
  exposeCount(registry, "test_bytes_total", "Bytes.", () => count);
  exposeGauge(registry, "test_fill", "Fill.", () => -count);
  tally.add("taken", 5);
  tally.add("taken");
  await ask("/metrics");
  count = 7;
  const response = await ask("/metrics");
  expect(response.headers.get("content-type")).toBe(registry.contentType);
  expect(await response.text()).toBe(
    [
      "# HELP test_pushes_total Pushes.",
      "# TYPE test_pushes_total counter",
      'test_pushes_total{outcome="taken"} 6',
      'test_pushes_total{outcome="seen"} 0',
      "",
      "# HELP test_bytes_total Bytes.",
      "# TYPE test_bytes_total counter",
      "test_bytes_total 7",
      "",
      "# HELP test_fill Fill.",
      "# TYPE test_fill gauge",
      "test_fill -7",
      "",
    ].join("\n"),
  );
  expect(tally.total()).toBe(6);
});

test("a metric that cannot be read is a 500 without its error's text", async () => {
  exposeCount(registry, "test_total", "Test.", () => {
    throw new Error("kOrrekt-Horse-9");
  });
  const response = await ask("/metrics");
  expect([response.status, await response.text()]).toEqual([
    500,
    "metrics could not be collected\n",
  ]);
  expect(captured.messages()).toContain("metrics could not be collected");
  expect(captured.text()).not.toContain("kOrrekt");
});

test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is 405", async (method) => {
  const response = await ask("/healthz", { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("HEAD has the status and no body", async () => {
  reason = "waiting";
  const response = await ask("/readyz", { method: "HEAD" });
  expect([response.status, await response.text()]).toEqual([503, ""]);
});

test.each(["/", "/metrics/", "/metrics?x", "//healthz", "/debug"])("%s is 404", async (path) => {
  const response = await ask(path);
  expect(response.status).toBe(404);
  expect(await response.text()).not.toContain("debug");
});

test("its address is logged, with the port that the system picked", () => {
  expect(captured.lines()).toMatchObject([
    {
      message: "listening",
      listener: "management",
      address: `127.0.0.1:${management.address.port}`,
    },
  ]);
});

test("a taken port is an error that names management_address", async () => {
  await expect(start(management.address)).rejects.toThrow(ConfigError);
  await expect(start(management.address)).rejects.toThrow(/^management_address: 127\.0\.0\.1:/);
});

test("stop ends connections that are kept alive, and frees the port", async () => {
  await ask("/healthz"); // fetch keeps its connection
  await management.stop();
  await expect(ask("/healthz")).rejects.toThrow();
  const again = await start(management.address);
  await again.stop();
});
