import { expect, test } from "vitest";
import type { Handler, Informer } from "../../../operator/engine/informer.ts";
import { configMaps } from "../../../operator/reconcile/kinds.ts";
import type { KnownObject } from "../../../operator/reconcile/owned.ts";
import { OwnedStore } from "../../../operator/reconcile/ownedStore.ts";

const key = "physics/lab-ca";

function known(version: number, more: Partial<KnownObject> = {}): KnownObject {
  return {
    uid: "u",
    resourceVersion: String(version),
    generation: undefined,
    controller: { uid: "b", bridge: "lab", description: "QrngBridge lab" },
    isBeingDeleted: false,
    bridge: "lab",
    intent: "intent",
    fields: "{}",
    otherManager: undefined,
    ...more,
  };
}

/** A store that follows one kind, and what it told. */
function startStore() {
  const store = new OwnedStore();
  const handlers: Handler<KnownObject>[] = [];
  const informer: Pick<Informer<KnownObject>, "subscribe"> = {
    subscribe: (handler) => void handlers.push(handler),
  };
  const told: string[] = [];
  store.follow(configMaps, informer, (bridge) => told.push(bridge));
  const tell = (type: "added" | "deleted", object: KnownObject): void =>
    handlers.forEach((handler) => handler({ type, key, object }));
  const write = (act: () => Promise<unknown>) =>
    store.duringWrite("physics", configMaps, "lab-ca", act);
  const put = (object: KnownObject): void => store.put("physics", configMaps, "lab-ca", object);
  const held = (): string | undefined =>
    store.get("physics/lab", configMaps, "lab-ca")?.resourceVersion;
  const isLost = (): boolean =>
    store.lostOf("physics/lab")({ kind: "ConfigMap", metadata: { name: "lab-ca" } });
  return { told, tell, write, put, held, isLost, store };
}

test("what the watch tells of a write before its answer is no news, nor after it", async () => {
  const { told, tell, write, put, held } = startStore();
  await write(async () => {
    tell("added", known(5));
    expect(held()).toBeUndefined();
    put(known(5));
  });
  tell("added", known(5));
  expect(held()).toBe("5");
  expect(told).toEqual([]);
});

test("what others do during a write is told after it", async () => {
  const { told, tell, write, put, held } = startStore();
  await write(async () => {
    tell("added", known(5));
    tell("added", known(6));
    put(known(5));
    expect(told).toEqual([]);
  });
  expect(held()).toBe("6");
  expect(told).toEqual(["physics/lab"]);
});

test("after a write that failed, what the watch told of it is news", async () => {
  const { told, tell, write, held } = startStore();
  const failing = write(async () => {
    tell("added", known(5));
    throw new Error("no answer");
  });
  await expect(failing).rejects.toThrow("no answer");
  expect(held()).toBe("5");
  expect(told).toEqual(["physics/lab"]);
});

test("an object that the operator deletes is not lost, and one that others delete is", async () => {
  const { told, tell, write, put, isLost, store } = startStore();
  put(known(5));
  await write(async () => {
    tell("deleted", known(6));
    store.remove("physics", configMaps, "lab-ca", "u");
  });
  expect([told, isLost()]).toEqual([[], false]);
  put(known(7));
  tell("deleted", known(8));
  expect([told, isLost()]).toEqual([["physics/lab"], true]);
});
