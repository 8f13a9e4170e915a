import { keyOf, type ApiObject } from "../api/object.ts";

/** What became of an object. `object` is its newest state, also for one that is gone. */
export type Change<T> =
  | { readonly type: "added" | "deleted"; readonly key: string; readonly object: T }
  | { readonly type: "changed"; readonly key: string; readonly object: T; readonly previous: T };

interface Held<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly object: T;
}

/**
 * The last known state of a collection, by `namespace/name`. It tells what changed by comparing
 * resource versions, so that the same state given twice is no change.
 */
export class ObjectStore<T> {
  readonly #held = new Map<string, Held<T>>();
  readonly #project: (object: ApiObject) => T | undefined;

  /** @param project what of an object is held; undefined leaves it out */
  constructor(project: (object: ApiObject) => T | undefined) {
    this.#project = project;
  }

  get(key: string): T | undefined {
    return this.#held.get(key)?.object;
  }

  *entries(): Generator<readonly [string, T], void, undefined> {
    for (const [key, { object }] of this.#held) yield [key, object];
  }

  /** Takes a state of an object. One of the same name that is another object takes its place. */
  put(state: ApiObject): Change<T>[] {
    const { uid, resourceVersion } = state.metadata;
    const key = keyOf(state.metadata);
    const before = this.#held.get(key);
    if (before?.uid === uid && before.resourceVersion === resourceVersion) return [];
    const object = this.#project(state);
    if (object === undefined) return this.#drop(key);
    this.#held.set(key, { uid, resourceVersion, object });
    if (before === undefined) return [{ type: "added", key, object }];
    if (before.uid === uid) return [{ type: "changed", key, object, previous: before.object }];
    return [
      { type: "deleted", key, object: before.object },
      { type: "added", key, object },
    ];
  }

  /** Takes the last state of an object that was deleted. */
  remove(state: ApiObject): Change<T>[] {
    return this.#drop(keyOf(state.metadata), this.#project(state));
  }

  /** Drops what a complete list no longer holds. */
  retain(keys: ReadonlySet<string>): Change<T>[] {
    const gone = [...this.#held.keys()].filter((key) => !keys.has(key));
    return gone.flatMap((key) => this.#drop(key));
  }

  #drop(key: string, last?: T): Change<T>[] {
    const before = this.#held.get(key);
    if (before === undefined) return [];
    this.#held.delete(key);
    return [{ type: "deleted", key, object: last ?? before.object }];
  }
}
