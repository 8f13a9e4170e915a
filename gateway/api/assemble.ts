import type { Clock } from "../../common/clock.ts";
import type { Logger } from "../../common/log/logger.ts";
import type { Reloaded } from "../../common/reload.ts";
import { version } from "../../common/version.ts";
import type { GatewayConfig } from "../config.ts";
import { Dispenser } from "../draw/dispenser.ts";
import type { WaitQueue } from "../draw/waitQueue.ts";
import type { SharedStore } from "../limit/sharedStore.ts";
import { createMcpEndpoint } from "../mcp/endpoint.ts";
import type { Status } from "../status.ts";
import { createApi, type Api } from "./app.ts";
import { createAuthenticate, createFindKey } from "./authenticate.ts";
import type { ApiKeys } from "./keys.ts";
import { describeApi } from "./openapi.ts";
import { createRoutes } from "./routes.ts";

export interface ApiParts {
  readonly queue: WaitQueue;
  readonly keys: Reloaded<ApiKeys>;
  /** Where replicas count limits together. */
  readonly sharedStore: SharedStore | undefined;
  readonly describeStatus: () => Status;
  /** Called for each answer that a key was charged for. */
  readonly onServed: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The API as a config wants it: REST, MCP and the page, over one dispenser and one set of keys. */
export function assembleApi(config: GatewayConfig, parts: ApiParts): Api {
  const { queue, keys, sharedStore, describeStatus, onServed, clock, log } = parts;
  const now = clock.monotonic;
  const dispenser = new Dispenser({ queue, maxRequestBytes: config.max_request_bytes, now });
  const routes = createRoutes({
    dispenser,
    maxWait: config.max_wait,
    conditioning: config.conditioning,
    describeStatus,
  });
  const authenticate = createAuthenticate({
    keys,
    allowQueryKey: config.allow_query_key,
    failuresPerMinute: config.rate_limit.failed_keys_per_minute,
    store: sharedStore,
    clock,
  });
  const serving = { describeStatus, onServed, now, log };
  return createApi({
    ...serving,
    authenticate,
    findKey: createFindKey({ keys, clock }),
    routes,
    endpoints: config.mcp.enabled ? [createMcpEndpoint(config, { ...serving, dispenser })] : [],
    openApi: describeApi(routes, version),
    dashboard: config.dashboard,
    allowQueryKey: config.allow_query_key,
    corsOrigins: config.cors_origins,
    conditioning: config.conditioning,
  });
}
