import { expect, test } from "vitest";
import { Registry } from "prom-client";
import { ApiError } from "../../../operator/api/errors.ts";
import { exposeRequests } from "../../../operator/api/requestCounts.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { hangs, refuses, resets, sends, type Fault } from "./helpers/faultApiServer.ts";
import { collection, startRig, widgets } from "./helpers/rig.ts";

const at = { namespace: "a", name: "x" };
const any = /./;

test("300 lists in a row take one connection", async () => {
  await using rig = await startRig();
  for (let n = 0; n < 300; n++) await rig.client.list(widgets, { namespace: "a" });
  expect(rig.server.connections).toBe(1);
  expect(rig.counts.entries()).toEqual([{ method: "GET", code: "200", count: 300 }]);
});

const drips: Fault = (_, response) => {
  response.writeHead(200).write("{");
  const timer = setInterval(() => response.write(" "), 5);
  response.on("close", () => clearInterval(timer));
};

test.each([
  ["never answers", hangs],
  ["begins to answer and does not end", drips],
])("a call to a server that %s ends with its time", async (_, fault) => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  rig.server.fail(any, fault);
  const failed = rig.client.list(widgets).catch((error: unknown) => error);
  await eventually(() => rig.server.requests.length === 1);
  await scheduler.pass(29_999);
  expect(rig.server.open).toBe(1);
  await scheduler.pass(1);
  expect(await failed).toMatchObject({ code: "ERR_API_TIMEOUT" });
  await eventually(() => rig.server.open === 0);
  expect(scheduler.waiting).toBe(0);
});

test("a call ends with its signal, before it is sent and while it is served", async () => {
  await using rig = await startRig();
  const aborted = { code: "ERR_API_ABORTED" };
  await expect(rig.client.get(widgets, at, { signal: AbortSignal.abort() })).rejects.toMatchObject(
    aborted,
  );
  expect(rig.server.requests).toEqual([]);
  const controller = new AbortController();
  rig.server.fail(any, hangs);
  const failed = rig.client.get(widgets, at, { signal: controller.signal });
  await eventually(() => rig.server.requests.length === 1);
  controller.abort();
  await expect(failed).rejects.toMatchObject(aborted);
  await eventually(() => rig.server.open === 0);
});

test("429 is asked again after the time that the server names", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  rig.widgets.put(collection, "x");
  rig.server.fail(any, refuses(429, "TooManyRequests", 2), 3);
  const found = rig.client.get(widgets, at);
  for (let round = 1; round <= 3; round++) {
    await eventually(() => rig.counts.total() === round);
    await eventually(() => scheduler.latestDue() === 2_000);
    await scheduler.pass(1_999);
    expect(rig.server.requests).toHaveLength(round);
    await scheduler.pass(1);
  }
  expect((await found)?.metadata.name).toBe("x");
  expect(rig.counts.entries()).toEqual([
    { method: "GET", code: "429", count: 3 },
    { method: "GET", code: "200", count: 1 },
  ]);
});

test("a server that stays overloaded is left to the caller, with what it asked for", async () => {
  await using rig = await startRig();
  rig.server.fail(any, refuses(429, "TooManyRequests", 0), Infinity);
  await expect(rig.client.get(widgets, at)).rejects.toMatchObject({ code: "ERR_API_OVERLOADED" });
  expect(rig.server.requests).toHaveLength(10);
});

test("a wait that would outlast the call is not begun", async () => {
  await using rig = await startRig();
  rig.server.fail(any, refuses(503, "ServiceUnavailable", 60));
  await expect(rig.client.get(widgets, at)).rejects.toMatchObject({
    code: "ERR_API_SERVER",
    status: 503,
    retryAfter: 60_000,
  });
  expect(rig.server.requests).toHaveLength(1);
});

test("after 401 the credentials are renewed and shown once more", async () => {
  let token = 1;
  await using rig = await startRig({
    authorization: () => `Bearer ${token}`,
    renew: () => void token++,
  });
  rig.widgets.put(collection, "x");
  rig.server.fail(any, refuses(401, "Unauthorized"));
  expect((await rig.client.get(widgets, at))?.metadata.name).toBe("x");
  expect(rig.server.authorizations).toEqual(["Bearer 1", "Bearer 2"]);
  rig.server.fail(any, refuses(401, "Unauthorized"), 2);
  await expect(rig.client.get(widgets, at)).rejects.toMatchObject({ code: "ERR_API_UNAUTHORIZED" });
  expect(rig.server.requests).toHaveLength(4);
});

test("requests are counted under client-go's name, with those that got no answer", async () => {
  await using rig = await startRig();
  const registry = new Registry();
  exposeRequests(registry, rig.counts, rig.transport.host);
  await rig.client.list(widgets);
  await rig.client.create(widgets, "a", { metadata: { name: "x" } });
  rig.server.fail(any, resets, 2);
  await rig.client.list(widgets).catch(() => undefined);
  const { host } = rig.server.url;
  const metrics = await registry.metrics();
  for (const line of [
    `rest_client_requests_total{code="200",method="GET",host="${host}"} 1`,
    `rest_client_requests_total{code="200",method="POST",host="${host}"} 1`,
    `rest_client_requests_total{code="<error>",method="GET",host="${host}"} 2`,
  ]) {
    expect(metrics).toContain(line);
  }
});

test("a kept connection that turns out to be closed is replaced, but nothing is created twice", async () => {
  await using rig = await startRig();
  await rig.client.list(widgets);
  rig.server.fail(any, resets);
  await rig.client.list(widgets);
  expect(rig.server.requests).toHaveLength(3);
  rig.server.fail(any, resets);
  const object = { metadata: { name: "x" } };
  await expect(rig.client.create(widgets, "a", object)).rejects.toMatchObject({
    code: "ERR_API_UNREACHABLE",
  });
  expect(rig.server.requests).toHaveLength(4);
  rig.server.fail(any, resets, 2);
  await rig.client.list(widgets).catch(() => undefined); // a new connection: its reset is no accident
  expect(rig.server.requests).toHaveLength(5);
});

test("behind a fence nothing is written, and all can be read", async () => {
  let closed = false;
  await using rig = await startRig({
    fence: () => {
      if (closed) throw new ApiError("ERR_API_FENCED", "closed");
    },
  });
  const created = await rig.client.create(widgets, "a", { metadata: { name: "x" } });
  closed = true;
  rig.server.requests.length = 0;
  const fenced = { code: "ERR_API_FENCED" };
  await expect(rig.client.create(widgets, "a", created)).rejects.toMatchObject(fenced);
  await expect(rig.client.replace(widgets, at, created)).rejects.toMatchObject(fenced);
  await expect(rig.client.apply(widgets, at, created)).rejects.toMatchObject(fenced);
  await expect(rig.client.merge(widgets, at, {})).rejects.toMatchObject(fenced);
  await expect(rig.client.delete(widgets, at)).rejects.toMatchObject(fenced);
  expect(rig.server.requests).toEqual([]);
  expect((await rig.client.get(widgets, at))?.metadata.name).toBe("x");
});

test.each([
  ["no JSON", "<html>hush</html>"],
  ["no object", '"hush"'],
  ["an object without metadata", '{"hush":1}'],
  ["metadata of another shape", '{"metadata":{"name":"hush","uid":7}}'],
])("an answer that is %s is an error that quotes nothing of it", async (_, body) => {
  await using rig = await startRig();
  rig.server.fail(any, sends(body));
  const error = await rig.client.get(widgets, at).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "ERR_API_FORMAT" });
  expect(String(error)).not.toContain("hush");
});

test("an answer without end is cut", async () => {
  await using rig = await startRig();
  const piece = Buffer.alloc(2 ** 20, " ");
  rig.server.fail(any, (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", more);
    more();
  });
  await expect(rig.client.list(widgets)).rejects.toMatchObject({ code: "ERR_API_FORMAT" });
  await eventually(() => rig.server.open === 0);
});

test("refusals by what is no API server have a code too", async () => {
  await using rig = await startRig();
  rig.server.fail(any, (_, response) => void response.writeHead(502).end("<html>"));
  await expect(rig.client.get(widgets, at)).rejects.toMatchObject({
    code: "ERR_API_SERVER",
    status: 502,
    message: "get widgets.test.io x in a: 502",
  });
});
