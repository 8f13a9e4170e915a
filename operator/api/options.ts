export interface CallOptions {
  /** Milliseconds for the whole call; 30,000 where left out. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  /** Asks for metadata alone, so that contents never come here. */
  readonly metadataOnly?: boolean;
  /**
   * Not older than this one, from what the API server holds itself; where left out, the newest, which
   * it asks etcd for.
   */
  readonly resourceVersion?: string | undefined;
}

/** Which objects of a kind. */
export interface Selection {
  /** All of the cluster where left out. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Asks for metadata alone, so that contents never come here. */
  readonly metadataOnly?: boolean | undefined;
}

export interface ListOptions extends CallOptions {
  readonly limit?: number | undefined;
  /** From the page before. */
  readonly continue?: string | undefined;
}

export interface WatchOptions extends CallOptions {
  /** The state after which events are wanted. */
  readonly resourceVersion: string;
  /** The server ends the watch after this long. */
  readonly timeoutSeconds: number;
  /** Milliseconds: when nothing, not even a bookmark, came for that long, the watch is cut. */
  readonly silence: number;
}

export interface WriteOptions extends CallOptions {
  /** Judged and answered by the server, but not stored. */
  readonly dryRun?: boolean;
}

export interface UpdateOptions extends WriteOptions {
  readonly subresource?: "status" | "scale";
}

export interface ApplyOptions extends UpdateOptions {
  /** Takes fields over from other managers; else they are an ERR_API_CONFLICT. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Deletes only this very object; ERR_API_CONFLICT when another has its name. */
  readonly uid?: string;
  /** Deletes only this state of it. */
  readonly resourceVersion?: string;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}
