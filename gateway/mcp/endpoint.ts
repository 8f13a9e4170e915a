import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Context } from "koa";
import type { Logger } from "../../common/log/logger.ts";
import { stalledMilliseconds } from "../api/answer.ts";
import type { CountRequest, Endpoint } from "../api/app.ts";
import type { Authenticate } from "../api/authenticate.ts";
import { limitHeaders } from "../api/limits.ts";
import { begun } from "../begun.ts";
import type { GatewayConfig } from "../config.ts";
import {
  createGatewayService,
  type AnsweredCall,
  type GatewayServiceDeps,
} from "./gatewayService.ts";
import { refuseForeign } from "./guard.ts";
import { createMcpServer } from "./server.ts";

export interface McpDeps extends GatewayServiceDeps {
  readonly authenticate: Authenticate;
  readonly log: Logger;
}

const limits = {
  maxRequestBodySize: 2 ** 20,
  // No call waits: a stream without a message for as long as a stalled client is given is left over.
  keepAliveMs: 0,
};

/**
 * MCP over Streamable HTTP, in both protocol eras and without sessions: each request has a server of
 * its own, which knows the caller's key and nothing of other requests.
 */
export function createMcpEndpoint(config: GatewayConfig, deps: McpDeps): Endpoint {
  const guard = {
    allowedOrigins: [...config.cors_origins, ...config.mcp.allowed_origins],
    allowedHosts: config.mcp.allowed_hosts,
    listenHost: config.listen_address.host,
  };
  const onFailure = (error: unknown): void => deps.log.error({ error }, "an MCP request failed");

  const serve = async (ctx: Context, count: CountRequest): Promise<void> => {
    const left = new AbortController();
    ctx.res.once("close", () => left.abort());
    refuseForeign(ctx.headers, guard);
    const key = await deps.authenticate(ctx);
    ctx.res.setTimeout(stalledMilliseconds, () => ctx.res.destroy());
    let retryAfter = 0;
    const onAnswered = (call: AnsweredCall): void => {
      count(call.status, call.seconds);
      retryAfter = Math.max(retryAfter, call.retryAfter);
    };
    const service = createGatewayService(deps, { key, left: left.signal, onAnswered });
    const handler = createMcpHandler(() => createMcpServer({ service, onFailure }), limits);
    const fetch: typeof handler.fetch = async (request, given) => {
      const response = await onceBegun(await handler.fetch(request, given));
      // The SDK's words on caches and connections would replace the gateway's own.
      for (const name of ["cache-control", "connection"]) response.headers.delete(name);
      for (const [name, value] of Object.entries(limitHeaders(key, deps.now()))) {
        response.headers.set(name, value);
      }
      if (retryAfter > 0) response.headers.set("retry-after", String(retryAfter));
      return response;
    };
    ctx.respond = false;
    await toNodeHandler({ fetch }, { ...limits, onerror: onFailure })(ctx.req, ctx.res);
  };
  return { path: "/mcp", methods: ["POST"], serve };
}

/**
 * The response, once the first piece of its body is there: a stream is opened before its calls are
 * made, and only then do headers know what these were charged.
 */
async function onceBegun(response: Response): Promise<Response> {
  const { body, status, headers } = response;
  if (body === null) return response;
  return new Response(ReadableStream.from(await begun(body)), { status, headers });
}
