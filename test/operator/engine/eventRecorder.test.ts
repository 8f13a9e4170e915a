import fc from "fast-check";
import { expect, test } from "vitest";
import { EventRecorder } from "../../../operator/engine/eventRecorder.ts";
import { cutUtf8, eventName, type Happening } from "../../../operator/engine/events.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";
import { hangs, refuses } from "../api/helpers/faultApiServer.ts";
import { startRig } from "../api/helpers/rig.ts";

const collection = "/apis/events.k8s.io/v1/namespaces/a/events";
const minute = 60_000;

function happening(more: Partial<Happening> = {}, uid = "u"): Happening {
  return {
    regarding: { apiVersion: "test.io/v1", kind: "Widget", namespace: "a", name: "w", uid },
    type: "Warning",
    reason: "Broken",
    action: "Reconcile",
    note: "it broke",
    ...more,
  };
}

async function startRecorder() {
  const scheduler = new ManualScheduler();
  const rig = await startRig({ scheduler });
  const captured = captureLog();
  const recorder = new EventRecorder({
    client: rig.client,
    reporter: { controller: "qrngbridge.io/operator", instance: "pod" },
    scheduler,
    log: captured.log,
  });
  return {
    ...rig,
    scheduler,
    recorder,
    captured,
    events: () => rig.server.collections.list(collection),
    async [Symbol.asyncDispose]() {
      await recorder.stop();
      await rig[Symbol.asyncDispose]();
    },
  };
}

test("the first of its kind is written at once, its repetitions once a minute as a count", async () => {
  await using rig = await startRecorder();
  rig.recorder.record(happening());
  await eventually(() => rig.events().length === 1);
  expect(rig.events()[0]).toMatchObject({
    type: "Warning",
    reason: "Broken",
    action: "Reconcile",
    note: "it broke",
    reportingController: "qrngbridge.io/operator",
    reportingInstance: "pod",
    eventTime: "2026-01-01T00:00:00.000000Z",
    regarding: { kind: "Widget", name: "w", uid: "u" },
  });
  for (let n = 0; n < 99; n++) rig.recorder.record(happening());
  await rig.scheduler.pass(minute);
  await eventually(() => "series" in rig.events()[0]!);
  expect(rig.events()[0]?.["series"]).toEqual({
    count: 100,
    lastObservedTime: "2026-01-01T00:00:00.000000Z",
  });
  expect(rig.server.requests).toHaveLength(2);
  await rig.scheduler.pass(5 * minute);
  expect(rig.server.requests).toHaveLength(2);
});

test("another reason, action, type or object is another event; another note is not", async () => {
  await using rig = await startRecorder();
  rig.recorder.record(happening());
  rig.recorder.record(happening({ note: "it broke once more" }));
  rig.recorder.record(happening({ reason: "Worse" }));
  rig.recorder.record(happening({ action: "Delete" }));
  rig.recorder.record(happening({ type: "Normal" }));
  rig.recorder.record(happening({}, "v"));
  await eventually(() => rig.events().length === 5);
  expect(rig.recorder.outcomes.get("counted")).toBe(1);
});

test("after six quiet minutes the same is a new event, and nothing is left waiting", async () => {
  await using rig = await startRecorder();
  rig.recorder.record(happening());
  await eventually(() => rig.events().length === 1);
  await rig.scheduler.pass(6 * minute);
  rig.recorder.record(happening());
  await eventually(() => rig.events().length === 2);
  await rig.scheduler.pass(200 * minute);
  expect(rig.scheduler.waiting).toBe(0);
});

test("one object has 25 events, and one more each five minutes; others have theirs", async () => {
  await using rig = await startRecorder();
  for (let n = 0; n < 40; n++) rig.recorder.record(happening({ reason: `R${n}` }));
  rig.recorder.record(happening({}, "other"));
  await eventually(() => rig.events().length === 26);
  expect(rig.recorder.outcomes.get("dropped")).toBe(15);
  await rig.scheduler.pass(5 * minute);
  rig.recorder.record(happening({ reason: "Late" }));
  rig.recorder.record(happening({ reason: "Later" }));
  await eventually(() => rig.events().length === 27);
});

test("a server that refuses events harms nobody; after three attempts one is dropped", async () => {
  await using rig = await startRecorder();
  rig.server.fail(/./, refuses(403, "Forbidden"), Infinity);
  rig.recorder.record(happening());
  await eventually(() => rig.server.requests.length === 1);
  await rig.scheduler.pass(minute);
  await eventually(() => rig.server.requests.length === 2);
  await rig.scheduler.pass(minute);
  await eventually(() => rig.recorder.outcomes.get("dropped") === 1);
  await rig.scheduler.pass(2 * minute);
  expect(rig.server.requests).toHaveLength(3);
});

test.each([
  ["the event", 0],
  ["how often it came", 1],
])("when %s was dropped, what comes again is written once that may be", async (_, written) => {
  await using rig = await startRecorder();
  if (written === 1) {
    rig.recorder.record(happening());
    await eventually(() => rig.events().length === 1);
  }
  rig.server.fail(/./, refuses(403, "Forbidden"), 3);
  for (let n = 0; n < 4; n++) {
    rig.recorder.record(happening()); // it never stops for long
    await rig.scheduler.pass(minute);
    await eventually(() => rig.server.requests.length > n + written);
  }
  await eventually(() => rig.events().length === written + 1);
  expect(rig.recorder.outcomes.get("dropped")).toBe(1);
});

test("an event whose answer was lost is not written twice", async () => {
  await using rig = await startRecorder();
  rig.server.fail(/POST/, (request, response) => {
    const name = eventName(happening().regarding, BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n);
    rig.server.collections.put(collection, name);
    refuses(500, "InternalError")(request, response);
  });
  rig.recorder.record(happening());
  await eventually(() => rig.server.requests.length === 1);
  await rig.scheduler.pass(minute);
  await eventually(() => rig.recorder.outcomes.get("created") === 1);
  expect(rig.events()).toHaveLength(1);
});

test("stopping writes what is left, and waits 5 s at most for a server that hangs", async () => {
  await using rig = await startRecorder();
  rig.recorder.record(happening());
  await eventually(() => rig.events().length === 1);
  rig.recorder.record(happening());
  await rig.recorder.stop();
  expect(rig.events()[0]?.["series"]).toMatchObject({ count: 2 });

  await using stuck = await startRecorder();
  stuck.server.fail(/./, hangs, Infinity);
  stuck.recorder.record(happening());
  await eventually(() => stuck.server.requests.length === 1);
  const stopping = stuck.recorder.stop();
  await stuck.scheduler.pass(5_000);
  await stopping;
  expect(stuck.scheduler.waiting).toBe(0);
});

test("a text is cut at whole characters within its bytes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 5, maxLength: 60, size: "max" }),
      (text) => {
        const cut = cutUtf8(text, 40);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(40);
        if (Buffer.byteLength(text) <= 40) expect(cut).toBe(text);
        else {
          expect(text.startsWith(cut.slice(0, -1))).toBe(true);
          expect(cut.endsWith("…")).toBe(true);
          expect(Buffer.byteLength(cut)).toBeGreaterThan(36);
        }
      },
    ),
  );
});
