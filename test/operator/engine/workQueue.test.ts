import fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createQueueMetrics } from "../../../operator/engine/queueMetrics.ts";
import { WorkQueue, type Again } from "../../../operator/engine/workQueue.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { QueueModel } from "./helpers/queueModel.ts";

/** A queue whose work ends when the test says so. */
function startQueue(workers: number) {
  const scheduler = new ManualScheduler();
  const registry = new Registry();
  const captured = captureLog();
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<Again>>();
  const signals: AbortSignal[] = [];
  const queue = new WorkQueue({
    workers,
    work: (key, signal) => {
      if (running.has(key)) throw new Error(`${key} on two workers`);
      started.push(key);
      signals.push(signal);
      const ending = Promise.withResolvers<Again>();
      running.set(key, ending);
      return ending.promise;
    },
    scheduler,
    metrics: createQueueMetrics(registry)("test"),
    log: captured.log,
  });
  queue.begin();
  const end = async (key: string, act: (ending: PromiseWithResolvers<Again>) => void) => {
    const ending = running.get(key);
    running.delete(key);
    if (ending !== undefined) act(ending);
    await scheduler.pass(0);
  };
  return {
    queue,
    scheduler,
    registry,
    captured,
    started,
    running,
    signals,
    succeed: (key: string, again?: Again) => end(key, ({ resolve }) => resolve(again)),
    fail: (key: string) => end(key, ({ reject }) => reject(new Error("hush"))),
  };
}

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key }),
  fc.record({ do: fc.constant("addAfter" as const), key, ms: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constant("succeed" as const), key }),
  fc.record({ do: fc.constant("again" as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constant("fail" as const), key }),
);

test("whatever happens in whatever order, the queue does as its model", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 40 }),
      async (workers, steps) => {
        const rig = startQueue(workers);
        const model = new QueueModel(workers);
        for (const action of steps) {
          switch (action.do) {
            case "add":
              rig.queue.add(action.key);
              model.add(action.key);
              break;
            case "addAfter":
              rig.queue.addAfter(action.key, action.ms);
              model.addAfter(action.key, action.ms);
              break;
            case "pass":
              await rig.scheduler.pass(action.ms);
              model.pass(action.ms);
              break;
            case "succeed":
              await rig.succeed(action.key);
              model.end(action.key, undefined);
              break;
            case "again":
              await rig.succeed(action.key, { after: action.ms });
              model.end(action.key, { after: action.ms });
              break;
            case "fail":
              await rig.fail(action.key);
              model.end(action.key, "failed");
          }
          expect(rig.started).toEqual(model.started);
          expect([...rig.running.keys()].sort()).toEqual([...model.running.keys()].sort());
          expect(rig.queue.depth).toBe(model.line.length);
          expect(rig.scheduler.waiting).toBe(model.due.size);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("failures wait 5 ms, twice as long each time, at most 1000 s; a success begins anew", async () => {
  const { queue, scheduler, started, succeed, fail, captured } = startQueue(1);
  queue.add("a");
  const waits: number[] = [];
  for (let failure = 1; failure <= 20; failure++) {
    await fail("a");
    waits.push(scheduler.latestDue());
    await scheduler.pass(scheduler.latestDue());
  }
  expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(waits.slice(-2)).toEqual([1_000_000, 1_000_000]);
  expect(started).toHaveLength(21);
  for (const again of [undefined, { after: 1 }]) {
    await succeed("a", again);
    expect(scheduler.waiting).toBe(again === undefined ? 0 : 1);
    queue.add("a");
    await fail("a");
    expect(scheduler.latestDue()).toBe(5);
    await scheduler.pass(5);
  }
  expect(captured.lines()[0]).toMatchObject({
    object: "a",
    failures: 1,
    retryMilliseconds: 5,
  });
  expect(captured.text()).not.toContain("hush");
});

test("a key that waits for its time, or fails for ever, holds up no other", async () => {
  const { queue, scheduler, started, succeed, fail } = startQueue(1);
  queue.addAfter("late", 60_000);
  queue.add("broken");
  for (let round = 0; round < 3; round++) {
    await fail("broken");
    queue.add(`other ${round}`);
    await succeed(`other ${round}`);
    await scheduler.pass(1_000);
  }
  expect(started.filter((key) => key.startsWith("other"))).toHaveLength(3);
  expect(started).not.toContain("late");
});

test("longer than a timer can wait, a key comes early and not at once", async () => {
  const { queue, scheduler, started } = startQueue(1);
  queue.addAfter("a", 60 * 24 * 3_600_000);
  await scheduler.pass(20 * 24 * 3_600_000);
  expect(started).toEqual([]);
  await scheduler.pass(5 * 24 * 3_600_000);
  expect(started).toEqual(["a"]);
});

test("stopped, it starts nothing more, waits for what runs, and leaves no timer", async () => {
  const { queue, scheduler, started, succeed, signals } = startQueue(1);
  queue.add("running");
  queue.add("waiting");
  queue.addAfter("later", 1_000);
  const aborting = new AbortController();
  let stopped = false;
  const stopping = queue.stop(aborting.signal).then(() => (stopped = true));
  queue.add("too late");
  await scheduler.pass(5_000);
  expect(stopped).toBe(false);
  expect(signals[0]?.aborted).toBe(false);
  aborting.abort();
  expect(signals[0]?.aborted).toBe(true);
  await succeed("running", { after: 10 });
  await stopping;
  expect(started).toEqual(["running"]);
  expect(scheduler.waiting).toBe(0);
});

test("its metrics have the names and values that controller-runtime's users know", async () => {
  const { queue, scheduler, registry, succeed, fail } = startQueue(1);
  queue.add("a");
  queue.add("b");
  await scheduler.pass(2_000);
  const busy = await registry.metrics();
  expect(busy).toContain('workqueue_depth{name="test"} 1');
  expect(busy).toContain('controller_runtime_active_workers{controller="test"} 1');
  expect(busy).toContain('controller_runtime_max_concurrent_reconciles{controller="test"} 1');
  await succeed("a");
  await fail("b");
  await scheduler.pass(5);
  await succeed("b", { after: 10 });
  const after = await registry.metrics();
  for (const line of [
    'workqueue_depth{name="test"} 0',
    'workqueue_adds_total{name="test"} 3',
    'workqueue_retries_total{name="test"} 1',
    'workqueue_queue_duration_seconds_sum{name="test"} 2',
    'workqueue_queue_duration_seconds_count{name="test"} 3',
    'workqueue_work_duration_seconds_sum{name="test"} 2',
    'controller_runtime_reconcile_total{controller="test",result="success"} 1',
    'controller_runtime_reconcile_total{controller="test",result="error"} 1',
    'controller_runtime_reconcile_total{controller="test",result="requeue_after"} 1',
    'controller_runtime_reconcile_errors_total{controller="test"} 1',
    'controller_runtime_reconcile_time_seconds_count{controller="test"} 3',
  ]) {
    expect(after).toContain(line);
  }
});
