import { expect, test } from "vitest";
import type { ApiObject } from "../../../operator/api/object.ts";
import type { Handler } from "../../../operator/engine/informer.ts";
import { ObjectStore } from "../../../operator/engine/objectStore.ts";
import { bridgePod, type BridgePod } from "../../../operator/oneWay/bridgePod.ts";
import { PodWaits } from "../../../operator/oneWay/podWaits.ts";
import { plainText } from "../../../operator/oneWay/result.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";

/** The collection that an informer holds, without a server behind it. */
function collection() {
  const store = new ObjectStore(bridgePod);
  const handlers: Handler<BridgePod>[] = [];
  let version = 0;
  const put = (name: string, phase: string): void => {
    const labels = { "qrngbridge.io/bridge": "lab" };
    const metadata = { name, namespace: "x", uid: name, resourceVersion: `${++version}`, labels };
    const object: ApiObject = { metadata, status: { phase } };
    for (const change of store.put(object)) handlers.forEach((handler) => handler(change));
  };
  const informer = {
    get: (key: string) => store.get(key),
    subscribe: (handler: Handler<BridgePod>) => void handlers.push(handler),
  };
  return { put, informer };
}

function start() {
  const { put, informer } = collection();
  const scheduler = new ManualScheduler();
  const waits = new PodWaits(informer, scheduler);
  const ended = (): true | undefined => waits.get("x/a")?.state === "ended" || undefined;
  return { put, scheduler, waits, ended };
}

const never = new AbortController().signal;

test("a wait ends with what it waits for, at once where that is there", async () => {
  const { put, waits, ended, scheduler } = start();
  const waiting = waits.until(ended, 1_000, never);
  put("a", "Running");
  put("a", "Succeeded");
  expect(await waiting).toBe(true);
  expect(await waits.until(ended, 1_000, never)).toBe(true);
  expect(scheduler.waiting).toBe(0);
});

test("a wait ends with its limit, or when it is given up", async () => {
  const { put, waits, ended, scheduler } = start();
  put("a", "Pending");
  const waiting = waits.until(ended, 1_000, never);
  await scheduler.pass(1_000);
  expect(await waiting).toBeUndefined();
  const aborting = new AbortController();
  const given = waits.until(ended, 1_000, aborting.signal);
  aborting.abort();
  expect(await given).toBeUndefined();
  expect(await waits.until(ended, 1_000, AbortSignal.abort())).toBeUndefined();
  expect(scheduler.waiting).toBe(0);
});

test("what others say is one line of bounded length", () => {
  expect(plainText("a\u0000b\n\tc")).toBe("a b c");
  expect(Buffer.byteLength(plainText("é".repeat(2_000)))).toBeLessThanOrEqual(1024);
});
