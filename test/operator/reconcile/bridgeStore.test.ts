import { expect, test } from "vitest";
import type { ApiObject } from "../../../operator/api/object.ts";
import type { BridgeStatus } from "../../../operator/bridge/status.ts";
import type { Handler } from "../../../operator/engine/informer.ts";
import type { Change } from "../../../operator/engine/objectStore.ts";
import { BridgeStore } from "../../../operator/reconcile/bridgeStore.ts";

const key = "physics/lab";

function bridge(version: number, replicas: number, uid = "u"): ApiObject {
  const resourceVersion = String(version);
  const metadata = { name: "lab", namespace: "physics", uid, resourceVersion, generation: 1 };
  return { metadata, status: { replicas } };
}

/** A store, what its watch tells, and statuses that are written. */
function startStore(first: ApiObject) {
  let known: ApiObject | undefined = first;
  const handlers: Handler<ApiObject>[] = [];
  const store = new BridgeStore({
    get: () => known,
    subscribe: (handler) => void handlers.push(handler),
  });
  const change = (next: Change<ApiObject>): void => {
    known = next.type === "deleted" ? undefined : next.object;
    for (const handler of handlers) handler(next);
  };
  const tell = (object: ApiObject): void =>
    change({ type: "changed", key, object, previous: object });
  /** @param meanwhile before the answer comes */
  const write = (status: BridgeStatus, answer: ApiObject, meanwhile = () => undefined as void) => {
    const apply = async (): Promise<ApiObject> => {
      meanwhile();
      return answer;
    };
    return store.writeStatus({ apply }, first, status, new AbortController().signal);
  };
  const replicas = (object = store.get(key)): number | undefined =>
    object && store.subject(object).status.replicas;
  return { change, tell, write, replicas };
}

test("a status that was written counts until the watch tells of it or of a newer one", async () => {
  const { tell, write, replicas } = startStore(bridge(5, 0));
  await write({ replicas: 1 }, bridge(7, 1));
  expect(replicas()).toBe(1);
  tell(bridge(6, 0));
  expect(replicas()).toBe(1);
  tell(bridge(8, 2));
  expect(replicas()).toBe(2);
  expect(replicas(bridge(6, 0))).toBe(0); // it is not kept longer
});

test("one that the watch tells of before the answer comes is not kept", async () => {
  const { tell, write, replicas } = startStore(bridge(5, 0));
  await write({ replicas: 1 }, bridge(7, 1), () => tell(bridge(8, 2)));
  expect(replicas()).toBe(2);
  expect(replicas(bridge(6, 0))).toBe(0);
});

test("one of a bridge that is gone says nothing of the next of its name", async () => {
  const { change, tell, write, replicas } = startStore(bridge(5, 0));
  await write({ replicas: 1 }, bridge(7, 1));
  change({ type: "deleted", key, object: bridge(8, 1) });
  tell(bridge(6, 3, "v"));
  expect(replicas()).toBe(3);
});
