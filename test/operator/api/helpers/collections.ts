/** An object as the test's API server holds it. */
export interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly [field: string]: unknown;
}

interface Event {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Stored;
}

/** What an API server keeps: objects by path, one version for all, and the past until compacted. */
export class Collections {
  readonly #objects = new Map<string, Stored>();
  readonly #onEvent: (event: Event, collection: string) => void;
  #history: { readonly event: Event; readonly collection: string }[] = [];
  #version = 1;
  #oldest = 0;

  constructor(onEvent: (event: Event, collection: string) => void) {
    this.#onEvent = onEvent;
  }

  get resourceVersion(): string {
    return String(this.#version);
  }

  /** Creates or changes an object. */
  put(collection: string, name: string, fields: Record<string, unknown> = {}): Stored {
    const path = `${collection}/${name}`;
    const before = this.#objects.get(path);
    const namespace = /namespaces\/([^/]+)\//.exec(collection)?.[1];
    const metadata = {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: before?.metadata.uid ?? `uid-${this.#version}`,
      resourceVersion: String(++this.#version),
    };
    const object: Stored = { ...fields, metadata };
    this.#objects.set(path, object);
    this.#happened({ type: before === undefined ? "ADDED" : "MODIFIED", object }, collection);
    return object;
  }

  remove(collection: string, name: string): void {
    const before = this.get(collection, name);
    if (before === undefined) return;
    this.#objects.delete(`${collection}/${name}`);
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) };
    this.#happened({ type: "DELETED", object: { ...before, metadata } }, collection);
  }

  get(collection: string, name: string): Stored | undefined {
    return this.#objects.get(`${collection}/${name}`);
  }

  /** The objects of a collection, by name. */
  list(collection: string): Stored[] {
    const inside = [...this.#objects].filter(
      ([path]) => path.slice(0, path.lastIndexOf("/")) === collection,
    );
    return inside.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Forgets the past: a watch or a page from before is too old. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** What happened after a version; undefined when that is forgotten. */
  since(version: number, collection: string): Event[] | undefined {
    if (version < this.#oldest) return undefined;
    return this.#history
      .filter(({ event, collection: where }) => where === collection && versionOf(event) > version)
      .map(({ event }) => event);
  }

  /** @returns the answer, or the status code of a refusal */
  serve(
    method: string,
    collection: string,
    name: string | undefined,
    query: URLSearchParams,
    body: string,
  ): object | number {
    if (method === "GET" && name === undefined) return this.#page(collection, query);
    if (method === "GET") return this.get(collection, name ?? "") ?? 404;
    const { metadata, ...fields } = JSON.parse(body) as Partial<Stored>;
    const existing = this.get(collection, name ?? metadata?.name ?? "");
    switch (method) {
      case "POST":
        return existing === undefined ? this.put(collection, metadata?.name ?? "", fields) : 409;
      case "PUT":
        if (existing === undefined) return 404;
        if (metadata?.resourceVersion !== existing.metadata.resourceVersion) return 409;
        return this.put(collection, existing.metadata.name, fields);
      case "PATCH": {
        if (existing === undefined) return 404;
        const { metadata: _, ...kept } = existing;
        return this.put(collection, existing.metadata.name, { ...kept, ...fields });
      }
      default:
        return 405;
    }
  }

  /** A page ends at a name, so that what comes and goes meanwhile moves no other object. */
  #page(collection: string, query: URLSearchParams): object | number {
    const [version = "", after = ""] = query.get("continue")?.split(":") ?? [this.resourceVersion];
    if (Number(version) < this.#oldest) return 410;
    const rest = this.list(collection).filter(({ metadata }) => metadata.name > after);
    const items = rest.slice(0, Number(query.get("limit") ?? Infinity));
    const next = `${version}:${items.at(-1)?.metadata.name}`;
    const more = items.length < rest.length ? { continue: next } : {};
    return { metadata: { resourceVersion: version, ...more }, items };
  }

  #happened(event: Event, collection: string): void {
    this.#history.push({ event, collection });
    this.#onEvent(event, collection);
  }
}

function versionOf({ object }: Event): number {
  return Number(object.metadata.resourceVersion);
}
