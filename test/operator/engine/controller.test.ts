import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { startController, source } from "../../../operator/engine/controller.ts";
import { joinInformers } from "../../../operator/engine/informer.ts";
import { exposeInformers } from "../../../operator/engine/informerMetrics.ts";
import { createQueueMetrics } from "../../../operator/engine/queueMetrics.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { refuses } from "../api/helpers/faultApiServer.ts";
import { collection, startRig, type Rig } from "../api/helpers/rig.ts";
import { follow } from "./helpers/follow.ts";

function start(
  rig: Rig,
  sources: Parameters<typeof startController>[0]["sources"],
  reconcile: (key: string, signal: AbortSignal) => Promise<undefined>,
) {
  const captured = captureLog();
  const controller = startController({
    name: "test",
    sources,
    workers: 2,
    reconcile,
    scheduler: rig.scheduler,
    metrics: createQueueMetrics(new Registry())("test"),
    log: captured.log,
  });
  return { controller, captured, [Symbol.asyncDispose]: () => controller.stop() };
}

test("reconciles begin when all sources are synced, with what is there, and follow changes", async () => {
  await using rig = await startRig();
  rig.widgets.put(collection, "x");
  rig.widgets.put(collection, "y");
  await using early = follow(rig);
  await early.informer.synced;
  rig.server.fail(/widgets\?limit/, refuses(500, "InternalError"), 3);
  await using late = follow(rig);
  let lateIsSynced = false;
  void late.informer.synced.then(() => (lateIsSynced = true));
  const reconciled: { key: string; synced: boolean }[] = [];
  await using running = start(
    rig,
    [source(early.informer, ({ key }) => [key]), source(late.informer, () => ["n/other"])],
    async (key) => void reconciled.push({ key, synced: lateIsSynced }),
  );
  running.controller.add("n/asked");
  await eventually(() => reconciled.length >= 4);
  const keys = new Set(reconciled.map(({ key }) => key));
  expect(keys).toEqual(new Set(["a/x", "a/y", "n/other", "n/asked"]));
  expect(reconciled.every(({ synced }) => synced)).toBe(true);
  await eventually(() => rig.server.watching === 2);
  reconciled.length = 0;
  rig.widgets.remove(collection, "x");
  await eventually(() => reconciled.some(({ key }) => key === "a/x"));
});

test("stopping waits for reconciles, aborts them after 20 s, and leaves them after 25 s", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  const never = Promise.withResolvers<undefined>();
  let signal: AbortSignal | undefined;
  await using running = start(rig, [], (_, given) => {
    signal = given;
    return never.promise;
  });
  running.controller.add("n/a");
  await scheduler.pass(0);
  let stopped = false;
  const stopping = running.controller.stop().then(() => (stopped = true));
  await scheduler.pass(19_999);
  expect(signal?.aborted).toBe(false);
  await scheduler.pass(1);
  expect(signal?.aborted).toBe(true);
  await scheduler.pass(4_999);
  expect(stopped).toBe(false);
  await scheduler.pass(1);
  await stopping;
  expect(running.captured.messages()).toContain("reconciles do not end");
});

test("a reconcile that ends in time ends the stopping", async () => {
  const scheduler = new ManualScheduler();
  await using rig = await startRig({ scheduler });
  const ending = Promise.withResolvers<undefined>();
  await using running = start(rig, [], () => ending.promise);
  running.controller.addAfter("n/a", 1_000);
  await scheduler.pass(1_000);
  const stopping = running.controller.stop();
  ending.resolve(undefined);
  await stopping;
  expect(scheduler.waiting).toBe(0);
});

test("informers of several namespaces are one", async () => {
  await using rig = await startRig();
  await using a = follow(rig, () => undefined, "a");
  await using b = follow(rig, () => undefined, "b");
  const joined = joinInformers([a.informer, b.informer]);
  rig.widgets.put(collection, "x");
  rig.widgets.put(collection.replace("/a/", "/b/"), "y");
  await joined.synced;
  const keys: string[] = [];
  joined.subscribe(({ key }) => keys.push(key));
  await eventually(() => keys.length === 2);
  expect(keys.sort()).toEqual(["a/x", "b/y"]);
  expect([...joined.entries()].map(([key]) => key).sort()).toEqual(["a/x", "b/y"]);
  expect(joined.get("b/y")?.name).toBe("y");
  expect(joined.get("b/x")).toBeUndefined();
  expect(joined.problem()).toBeUndefined();
  const registry = new Registry();
  exposeInformers(registry, [joined]);
  await eventually(() => rig.server.watching === 2);
  const metrics = await registry.metrics();
  const label = `informer="widgets.test.io in a, widgets.test.io in b"`;
  expect(metrics).toContain(`qrng_operator_informer_events_total{${label},event="list"} 2`);
  expect(metrics).toContain(`qrng_operator_informer_follows{${label}} 1`);
  await joined.stop();
  await eventually(() => rig.server.watching === 0);
});
