import type { Resource } from "../api/resources.ts";
import type { Change } from "../engine/objectStore.ts";
import type { Informer } from "../engine/informer.ts";
import type { OwnedObject } from "../build/metadata.ts";
import type { KnownObject } from "./owned.ts";
import { SharedValues } from "../sharedValues.ts";

interface Entry {
  readonly resource: Resource;
  readonly name: string;
  readonly object: KnownObject;
}

/** What of an object names it within its namespace. */
interface Named extends Pick<OwnedObject, "kind"> {
  readonly metadata: Pick<OwnedObject["metadata"], "name">;
}

/** Of a bridge each of its objects would else keep one. */
const bridgeKeys = new SharedValues<string>(10_000);

/**
 * What is known of all objects that bridges own: what the watches told, or, where that is newer, what
 * the API server answered to a write. Without the second a reconcile right after another would
 * write again what the watch has not told yet.
 */
export class OwnedStore {
  /** By `namespace/bridge`, then by kind, namespace and name. */
  readonly #byBridge = new Map<string, Map<string, Entry>>();
  /** Which bridge's an object is, by kind, namespace and name. */
  readonly #bridgeOf = new Map<string, string>();
  /** What others deleted and nobody has made again, by bridge, then by kind, namespace and name. */
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
      const waiting = this.#waiting.get(keyOf(resource, change.key));
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
    const objectKey = keyIn(namespace, resource, name);
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
    return this.#byBridge.get(bridge)?.get(keyIn(namespaceOf(bridge), resource, name))?.object;
  }

  /** Takes the answer to a write. */
  put(namespace: string, resource: Resource, name: string, object: KnownObject): void {
    const objectKey = keyIn(namespace, resource, name);
    const before = this.#held(objectKey);
    if (before !== undefined && isNewer(before, object)) return;
    if (object.bridge === undefined) return this.#drop(objectKey);
    const written = `${namespace}/${object.bridge}`;
    const bridge = bridgeKeys.of(written, () => written);
    if (this.#bridgeOf.get(objectKey) !== bridge) this.#drop(objectKey);
    const entries = this.#byBridge.get(bridge) ?? new Map<string, Entry>();
    this.#byBridge.set(bridge, entries.set(objectKey, { resource, name, object }));
    this.#bridgeOf.set(objectKey, bridge);
    this.#lost.get(bridge)?.delete(objectKey);
  }

  remove(namespace: string, resource: Resource, name: string, uid: string): void {
    const objectKey = keyIn(namespace, resource, name);
    if (this.#held(objectKey)?.uid === uid) this.#drop(objectKey);
    this.#accepted.delete(uid);
  }

  /** Which objects others have deleted, as it is now. */
  lostOf(bridge: string): (object: Named) => boolean {
    const lost = new Set(this.#lost.get(bridge));
    return (object) => lost.has(keyIn(namespaceOf(bridge), object, object.metadata.name));
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
    const objectKey = keyOf(resource, key);
    const held = this.#held(objectKey);
    if (type === "deleted") {
      const bridge = this.#bridgeOf.get(objectKey);
      if (bridge !== undefined && held?.uid === object.uid) {
        const lost = this.#lost.get(bridge) ?? new Set();
        this.#lost.set(bridge, lost.add(objectKey));
      }
      this.remove(namespace, resource, name, object.uid);
      return held !== undefined; // else it was pruned
    }
    this.put(namespace, resource, name, object);
    return held?.resourceVersion !== object.resourceVersion;
  }

  #held(objectKey: string): KnownObject | undefined {
    const bridge = this.#bridgeOf.get(objectKey);
    return bridge === undefined ? undefined : this.#byBridge.get(bridge)?.get(objectKey)?.object;
  }

  #drop(objectKey: string): void {
    const bridge = this.#bridgeOf.get(objectKey);
    if (bridge === undefined) return;
    this.#bridgeOf.delete(objectKey);
    const entries = this.#byBridge.get(bridge);
    entries?.delete(objectKey);
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

type Kind = Pick<Resource, "kind">;

/** @param key `namespace/name` */
const keyOf = ({ kind }: Kind, key: string): string => `${kind} ${key}`;
const keyIn = (namespace: string, kind: Kind, name: string): string =>
  keyOf(kind, `${namespace}/${name}`);

/** @param bridge its key */
function namespaceOf(bridge: string): string {
  return bridge.slice(0, bridge.indexOf("/"));
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
