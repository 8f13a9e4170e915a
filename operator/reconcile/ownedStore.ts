import type { Resource } from "../api/resources.ts";
import type { Change } from "../engine/objectStore.ts";
import type { Informer } from "../engine/informer.ts";
import type { OwnedObject } from "../build/metadata.ts";
import type { KnownObject } from "./owned.ts";

interface Entry {
  readonly resource: Resource;
  readonly name: string;
  readonly object: KnownObject;
}

/** What of an object names it within its namespace. */
interface Named extends Pick<OwnedObject, "kind"> {
  readonly metadata: Pick<OwnedObject["metadata"], "name">;
}

/**
 * What is known of all objects that bridges own: what the watches told, or, where that is newer, what
 * the API server answered to a write. Without the second a reconcile right after another would
 * write again what the watch has not told yet.
 */
export class OwnedStore {
  /** By `namespace/bridge`, then by kind and name. */
  readonly #byBridge = new Map<string, Map<string, Entry>>();
  /** Which bridge's an object is, by kind, namespace and name. */
  readonly #bridgeOf = new Map<string, string>();
  /** What others deleted and nobody has made again, by bridge, then by kind and name. */
  readonly #lost = new Map<string, Set<string>>();
  /** By uid: see `difference`. */
  readonly #accepted = new Map<string, string>();
  /** What came of objects that are being written to, by kind, namespace and name. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Follows a kind, beginning with what is there.
   * @param tell called with the bridges that news concern; what the operator wrote itself is none
   */
  follow(
    resource: Resource,
    informer: Pick<Informer<KnownObject>, "subscribe">,
    tell: (bridge: string) => void,
  ): void {
    informer.subscribe((change) => {
      const look = (): void => {
        if (this.#take(resource, change)) keysOf(change).forEach(tell);
      };
      const waiting = this.#waiting.get(`${resource.kind} ${change.key}`);
      if (waiting === undefined) look();
      else waiting.push(look);
    });
  }

  /**
   * A watch may tell of a write before its answer is read. So what it tells of an object that is
   * being written to is looked at when `write`, which puts the answer here, has ended.
   */
  async duringWrite<T>(
    namespace: string,
    resource: Resource,
    name: string,
    write: () => Promise<T>,
  ): Promise<T> {
    const objectKey = `${resource.kind} ${namespace}/${name}`;
    const waiting: (() => void)[] = [];
    this.#waiting.set(objectKey, waiting);
    try {
      return await write();
    } finally {
      this.#waiting.delete(objectKey);
      for (const look of waiting) look();
    }
  }

  /** The cluster has no such kind any more. */
  drop(resource: Resource): void {
    for (const [bridge, entries] of this.#byBridge) {
      const [namespace = ""] = bridge.split("/");
      for (const { name, object, ...entry } of entries.values()) {
        if (entry.resource.kind === resource.kind) {
          this.remove(namespace, resource, name, object.uid);
        }
      }
    }
  }

  /** What is known to carry the bridge's label. @param bridge its key */
  of(bridge: string): readonly Entry[] {
    return [...(this.#byBridge.get(bridge)?.values() ?? [])];
  }

  get(bridge: string, resource: Resource, name: string): KnownObject | undefined {
    return this.#byBridge.get(bridge)?.get(entryKey(resource, name))?.object;
  }

  /** Takes the answer to a write. */
  put(namespace: string, resource: Resource, name: string, object: KnownObject): void {
    const objectKey = `${resource.kind} ${namespace}/${name}`;
    const before = this.#held(objectKey, resource, name);
    if (before !== undefined && isNewer(before, object)) return;
    if (object.bridge === undefined) return this.#drop(objectKey, resource, name);
    const bridge = `${namespace}/${object.bridge}`;
    if (this.#bridgeOf.get(objectKey) !== bridge) this.#drop(objectKey, resource, name);
    const entries = this.#byBridge.get(bridge) ?? new Map<string, Entry>();
    this.#byBridge.set(bridge, entries.set(entryKey(resource, name), { resource, name, object }));
    this.#bridgeOf.set(objectKey, bridge);
    this.#lost.get(bridge)?.delete(entryKey(resource, name));
  }

  remove(namespace: string, resource: Resource, name: string, uid: string): void {
    const objectKey = `${resource.kind} ${namespace}/${name}`;
    if (this.#held(objectKey, resource, name)?.uid === uid) this.#drop(objectKey, resource, name);
    this.#accepted.delete(uid);
  }

  /** Which objects others have deleted, as it is now. */
  lostOf(bridge: string): (object: Named) => boolean {
    const lost = new Set(this.#lost.get(bridge));
    return ({ kind, metadata }) => lost.has(entryKey({ kind }, metadata.name));
  }

  /** The bridge is gone. */
  forget(bridge: string): void {
    this.#lost.delete(bridge);
  }

  accepted(uid: string): string | undefined {
    return this.#accepted.get(uid);
  }

  /** The answer to our apply does not give us all fields that we asked for: that is all we get. */
  accept({ uid, fields }: KnownObject): void {
    if (fields !== undefined) this.#accepted.set(uid, fields);
  }

  /** @returns whether it was news */
  #take(resource: Resource, { type, key, object }: Change<KnownObject>): boolean {
    const [namespace = "", name = ""] = key.split("/");
    const held = this.#held(`${resource.kind} ${key}`, resource, name);
    if (type === "deleted") {
      const bridge = this.#bridgeOf.get(`${resource.kind} ${key}`);
      if (bridge !== undefined && held?.uid === object.uid) {
        const lost = this.#lost.get(bridge) ?? new Set();
        this.#lost.set(bridge, lost.add(entryKey(resource, name)));
      }
      this.remove(namespace, resource, name, object.uid);
      return held !== undefined; // else it was pruned
    }
    this.put(namespace, resource, name, object);
    return held?.resourceVersion !== object.resourceVersion;
  }

  #held(objectKey: string, resource: Resource, name: string): KnownObject | undefined {
    const bridge = this.#bridgeOf.get(objectKey);
    return bridge === undefined ? undefined : this.get(bridge, resource, name);
  }

  #drop(objectKey: string, resource: Resource, name: string): void {
    const bridge = this.#bridgeOf.get(objectKey);
    if (bridge === undefined) return;
    this.#bridgeOf.delete(objectKey);
    const entries = this.#byBridge.get(bridge);
    entries?.delete(entryKey(resource, name));
    if (entries?.size === 0) this.#byBridge.delete(bridge);
  }
}

/** The bridges that an object's label and controller name, before and after. */
function keysOf(change: Change<KnownObject>): string[] {
  const [namespace] = change.key.split("/");
  const states = change.type === "changed" ? [change.previous, change.object] : [change.object];
  const names = states.flatMap(({ bridge, controller }) => [bridge, controller?.bridge]);
  return [...new Set(names)].flatMap((name) =>
    name === undefined ? [] : [`${namespace ?? ""}/${name}`],
  );
}

function entryKey({ kind }: Pick<Resource, "kind">, name: string): string {
  return `${kind} ${name}`;
}

/**
 * Resource versions of one kind grow:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function isNewer(
  one: { readonly resourceVersion: string },
  other: { readonly resourceVersion: string },
): boolean {
  return BigInt(one.resourceVersion) > BigInt(other.resourceVersion);
}
