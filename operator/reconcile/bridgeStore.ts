import type { ApiClient } from "../api/client.ts";
import { keyOf, type ApiObject } from "../api/object.ts";
import { apiVersion } from "../api/resources.ts";
import { status as statusSchema, type BridgeStatus } from "../bridge/status.ts";
import type { Informer } from "../engine/informer.ts";
import { bridges } from "./kinds.ts";
import { isNewer } from "./ownedStore.ts";
import type { Subject } from "./status.ts";

interface Written {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: BridgeStatus;
}

type Followed = Pick<Informer<ApiObject>, "get" | "subscribe">;

/** The bridges as the watch tells, with the statuses that were written and it has not told yet. */
export class BridgeStore {
  readonly #informer: Followed;
  readonly #written = new Map<string, Written>();

  constructor(informer: Followed) {
    this.#informer = informer;
    informer.subscribe(({ type, key, object }) => {
      const written = this.#written.get(key);
      if (written === undefined) return;
      if (type === "deleted" || !isNewer(written, object.metadata)) this.#written.delete(key);
    });
  }

  /** @param key `namespace/name` */
  get(key: string): ApiObject | undefined {
    return this.#informer.get(key);
  }

  /** Its generation and what its status says now. */
  subject(object: ApiObject): Subject {
    const { metadata } = object;
    const written = this.#written.get(keyOf(metadata));
    const isOlder = written?.uid === metadata.uid && isNewer(written, metadata);
    const status = isOlder ? written.status : statusSchema.safeParse(object["status"] ?? {}).data;
    return { metadata: { generation: metadata.generation ?? 0 }, status: status ?? {} };
  }

  /** Onto this very bridge: not onto one that has come in its place. */
  async writeStatus(
    client: Pick<ApiClient, "apply">,
    { metadata: { name, namespace, uid } }: ApiObject,
    status: BridgeStatus,
    signal: AbortSignal,
  ): Promise<void> {
    const at = { namespace, name };
    const object = {
      apiVersion: apiVersion(bridges),
      kind: bridges.kind,
      metadata: { ...at, uid },
      status,
    };
    const answer = await client.apply(bridges, at, object, { subresource: "status", signal });
    const { resourceVersion } = answer.metadata;
    const key = keyOf(answer.metadata);
    const told = this.#informer.get(key);
    if (told?.metadata.uid !== uid || !isNewer(answer.metadata, told.metadata)) return;
    this.#written.set(key, { uid, resourceVersion, status });
  }
}
