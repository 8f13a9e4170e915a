import fc from "fast-check";
import { expect, test } from "vitest";
import type { ApiObject } from "../../../operator/api/object.ts";
import { ObjectStore, type Change } from "../../../operator/engine/objectStore.ts";

interface Projected {
  readonly uid: string;
  readonly resourceVersion: string;
}

const step = fc.record({
  do: fc.constantFrom("write", "write", "delete", "watch", "watch", "relist"),
  name: fc.constantFrom("a", "b", "c"),
});

/** What a follower of the changes holds; refuses changes that make no sense. */
function replay(changes: readonly Change<Projected>[]): Map<string, Projected> {
  const held = new Map<string, Projected>();
  for (const change of changes) {
    const before = held.get(change.key);
    switch (change.type) {
      case "added":
        expect(before).toBeUndefined();
        held.set(change.key, change.object);
        break;
      case "changed":
        expect(change.previous).toEqual(before);
        expect(change.object.uid).toBe(before?.uid);
        expect(change.object.resourceVersion).not.toBe(before?.resourceVersion);
        held.set(change.key, change.object);
        break;
      case "deleted":
        expect(change.object.uid).toBe(before?.uid);
        held.delete(change.key);
    }
  }
  return held;
}

test("whatever was missed between lists and watches, the store and what it told are the truth", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const store = new ObjectStore<Projected>(({ metadata: { uid, resourceVersion } }) => ({
        uid,
        resourceVersion,
      }));
      const changes: Change<Projected>[] = [];
      const truth = new Map<string, ApiObject>();
      const history: { gone: boolean; object: ApiObject }[] = [];
      let version = 0;
      let seen = 0;
      const relist = (): void => {
        for (const object of truth.values()) changes.push(...store.put(object));
        changes.push(...store.retain(new Set([...truth.keys()].map((name) => `n/${name}`))));
        seen = history.length;
      };
      for (const { do: action, name } of steps) {
        const before = truth.get(name);
        version++;
        const uid = before?.metadata.uid ?? `uid-${version}`;
        const metadata = { namespace: "n", name, uid, resourceVersion: String(version) };
        if (action === "write") {
          truth.set(name, { metadata });
          history.push({ gone: false, object: { metadata } });
        } else if (action === "delete" && before !== undefined) {
          truth.delete(name);
          history.push({ gone: true, object: { metadata } });
        } else if (action === "watch" && seen < history.length) {
          const { gone, object } = history[seen++]!;
          changes.push(...(gone ? store.remove(object) : store.put(object)));
        } else if (action === "relist") {
          relist();
          const told = changes.length;
          relist();
          expect(changes).toHaveLength(told);
        }
        expect(replay(changes)).toEqual(new Map(store.entries()));
      }
      relist();
      const expected = [...truth].map(([name, { metadata }]) => [
        `n/${name}`,
        { uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      ]);
      expect(Object.fromEntries(store.entries())).toEqual(Object.fromEntries(expected));
    }),
  );
});

test("an object that is left out is gone, and comes back when it no longer is", () => {
  const store = new ObjectStore<string>((object) => object["data"] as string | undefined);
  const at = (resourceVersion: string, data?: string): ApiObject => ({
    metadata: { name: "a", uid: "u", resourceVersion },
    data,
  });
  const types = ["x", undefined, undefined, "y"].map((data, n) =>
    store.put(at(String(n), data)).map(({ type }) => type),
  );
  expect(types).toEqual([["added"], ["deleted"], [], ["added"]]);
});
