import type { Tally } from "../../common/metrics.ts";
import type { Running } from "../../common/shutdown.ts";
import type { Change } from "./objectStore.ts";

export type Handler<T> = (change: Change<T>) => void;

/** What befell the connections of an informer. */
export const informerEvents = ["list", "watch", "expired", "silent", "broken"] as const;
export type InformerEvent = (typeof informerEvents)[number];

/** A collection of the cluster, followed as it changes. */
export interface Informer<T> extends Running {
  readonly name: string;
  /** @param key `namespace/name` */
  get(key: string): T | undefined;
  entries(): Iterable<readonly [string, T]>;
  /**
   * Calls `handler` with each change, in order, once the collection holds it; first with what is
   * there already, as added. What it throws is logged.
   */
  subscribe(handler: Handler<T>): void;
  /** Resolves when all was listed once; never, when stopped before. */
  readonly synced: Promise<void>;
  /** Why it is not up to date now, if so. */
  problem(): Error | undefined;
  /** Calls `handler` when a problem comes (another, too) or goes. */
  onProblem(handler: (problem: Error | undefined) => void): void;
  /** What it is made of: one for each namespace. */
  readonly parts: readonly Informer<T>[];
  readonly events: Pick<Tally<InformerEvent>, "get">;
}

/** Several informers, each of a namespace of its own, as one. */
export function joinInformers<T>(parts: readonly Informer<T>[]): Informer<T> {
  return {
    name: parts.map(({ name }) => name).join(", "),
    get: (key) => first(parts, (part) => part.get(key)),
    *entries() {
      for (const part of parts) yield* part.entries();
    },
    subscribe: (handler) => parts.forEach((part) => part.subscribe(handler)),
    synced: Promise.all(parts.map(({ synced }) => synced)).then(() => undefined),
    problem: () => first(parts, (part) => part.problem()),
    onProblem: (handler) => parts.forEach((part) => part.onProblem(handler)),
    parts,
    events: { get: (event) => parts.reduce((sum, { events }) => sum + events.get(event), 0) },
    stop: async () => void (await Promise.all(parts.map((part) => part.stop()))),
  };
}

function first<T, U>(items: readonly T[], find: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
