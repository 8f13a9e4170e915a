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

/** The bridges as the watch tells, with the statuses that were written since. */
export class BridgeStore {
  readonly #informer: Informer<ApiObject>;
  readonly #written = new Map<string, Written>();

  constructor(informer: Informer<ApiObject>) {
    this.#informer = informer;
    informer.subscribe(({ type, key }) => type === "deleted" && this.#written.delete(key));
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
    client: ApiClient,
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
    this.#written.set(keyOf(answer.metadata), { uid, resourceVersion, status });
  }
}
