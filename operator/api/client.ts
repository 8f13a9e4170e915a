import { hasCode } from "./errors.ts";
import { parseObject, parsePage, parsePlurals, type ApiObject, type Page } from "./object.ts";
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  Selection,
  UpdateOptions,
  WatchOptions,
  WriteOptions,
} from "./options.ts";
import { versionPath, type ApiCall, type ObjectName, type Resource } from "./resources.ts";
import type { ApiRequest, Query, Transport } from "./transport.ts";
import { watchEvents, type WatchEvent } from "./watchEvents.ts";

const partial = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1`;

/**
 * The Kubernetes API, as far as an operator needs it. Its objects are plain JSON: client-node's own
 * API classes would drop the fields that they do not know. Every method throws ApiError.
 */
export class ApiClient {
  readonly #transport: Transport;
  readonly #fieldManager: string;

  /** @param fieldManager the owner of the fields that are written */
  constructor(transport: Transport, fieldManager: string) {
    this.#transport = transport;
    this.#fieldManager = fieldManager;
  }

  /** Whether the API server knows the kind now: a CRD may come and go. */
  async serves(resource: Resource, options: CallOptions = {}): Promise<boolean> {
    const call: ApiCall = { verb: "get", resource };
    const request = { call, path: versionPath(resource), ...limits(options) };
    const answer = await absentIfNotFound(this.#transport.json(request));
    return answer !== undefined && parsePlurals(call, answer).includes(resource.plural);
  }

  /**
   * @returns undefined when there is none of that name
   * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list
   */
  get(
    resource: Resource,
    at: ObjectName,
    { metadataOnly, resourceVersion, ...options }: GetOptions = {},
  ): Promise<ApiObject | undefined> {
    const accept = metadataOnly === true ? partial("PartialObjectMetadata") : undefined;
    const call: ApiCall = { verb: "get", resource, ...at };
    const query = { resourceVersion };
    return absentIfNotFound(this.#object({ call, query, accept, ...limits(options) }));
  }

  /** One page of the objects. @throws ApiError ERR_API_EXPIRED when `continue` is too old */
  async list(
    resource: Resource,
    selection: Selection = {},
    options: ListOptions = {},
  ): Promise<Page> {
    const { namespace, metadataOnly = false } = selection;
    const call: ApiCall = { verb: "list", resource, namespace };
    const answer = await this.#transport.json({
      call,
      query: { ...selectors(selection), limit: options.limit, continue: options.continue },
      accept: metadataOnly ? partial("PartialObjectMetadataList") : undefined,
      ...limits(options),
    });
    return parsePage(call, answer);
  }

  /** Resolves when the server has begun the watch; `timeout` is for that. */
  async watch(
    resource: Resource,
    selection: Selection,
    options: WatchOptions,
  ): Promise<AsyncGenerator<WatchEvent, void, undefined>> {
    const { namespace, metadataOnly = false } = selection;
    const call: ApiCall = { verb: "watch", resource, namespace };
    const exchange = await this.#transport.open({
      call,
      query: {
        ...selectors(selection),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: options.timeoutSeconds,
      },
      accept: metadataOnly ? partial("PartialObjectMetadata") : undefined,
      ...limits(options),
    });
    return watchEvents(call, exchange, options.silence);
  }

  /** @throws ApiError ERR_API_EXISTS */
  create(
    resource: Resource,
    namespace: string | undefined,
    object: object,
    options: WriteOptions = {},
  ): Promise<ApiObject> {
    const call: ApiCall = { verb: "create", resource, namespace };
    return this.#write(call, "application/json", object, options);
  }

  /** @throws ApiError ERR_API_CONFLICT when it changed since the given `metadata.resourceVersion` */
  replace(
    resource: Resource,
    at: ObjectName,
    object: object,
    options: UpdateOptions = {},
  ): Promise<ApiObject> {
    const call: ApiCall = { verb: "update", resource, ...at, subresource: options.subresource };
    return this.#write(call, "application/json", object, options);
  }

  /**
   * Server-side apply: the object's fields, and no others, become the field manager's.
   * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
   */
  apply(
    resource: Resource,
    at: ObjectName,
    object: object,
    { force = true, ...options }: ApplyOptions = {},
  ): Promise<ApiObject> {
    const call: ApiCall = { verb: "patch", resource, ...at, subresource: options.subresource };
    const type = "application/apply-patch+yaml"; // JSON is YAML; older servers know no other name
    return this.#write(call, type, object, options, { force });
  }

  /** JSON merge patch (RFC 7396). */
  merge(
    resource: Resource,
    at: ObjectName,
    patch: object,
    options: UpdateOptions = {},
  ): Promise<ApiObject> {
    const call: ApiCall = { verb: "patch", resource, ...at, subresource: options.subresource };
    return this.#write(call, "application/merge-patch+json", patch, options);
  }

  /** @returns false when there was none of that name */
  async delete(
    resource: Resource,
    at: ObjectName,
    { uid, resourceVersion, propagation = "Background", ...options }: DeleteOptions = {},
  ): Promise<boolean> {
    const value = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid, resourceVersion },
      propagationPolicy: propagation,
    };
    const call: ApiCall = { verb: "delete", resource, ...at };
    const body = { type: "application/json", value };
    const answer = this.#transport.json({ call, body, ...limits(options) });
    return (await absentIfNotFound(answer)) !== undefined;
  }

  #write(
    call: ApiCall,
    type: string,
    value: object,
    { dryRun = false, ...options }: WriteOptions,
    query: Query = {},
  ): Promise<ApiObject> {
    return this.#object({
      call,
      query: { fieldManager: this.#fieldManager, dryRun: dryRun ? "All" : undefined, ...query },
      body: { type, value },
      ...limits(options),
    });
  }

  async #object(request: ApiRequest): Promise<ApiObject> {
    return parseObject(request.call, await this.#transport.json(request));
  }
}

async function absentIfNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasCode(error, "ERR_API_NOT_FOUND")) return undefined;
    throw error;
  }
}

function selectors({ labelSelector, fieldSelector }: Selection): Query {
  return { labelSelector, fieldSelector };
}

function limits({ timeout, signal }: CallOptions): Pick<ApiRequest, "timeout" | "signal"> {
  return { timeout, signal };
}
