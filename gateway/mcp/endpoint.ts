import { toWebRequest } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Context } from "koa";
import { drain } from "../../common/drain.ts";
import type { Logger } from "../../common/log/logger.ts";
import { sendAnswer, stalledMilliseconds, type StreamPiece } from "../api/answer.ts";
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
import { Problem } from "../problem.ts";
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
    const request = await readRequest(ctx);
    let retryAfter = 0;
    const onAnswered = (call: AnsweredCall): void => {
      count(call.status, call.seconds);
      retryAfter = Math.max(retryAfter, call.retryAfter);
    };
    const service = createGatewayService(deps, { key, left: left.signal, onAnswered });
    const handler = createMcpHandler(() => createMcpServer({ service, onFailure }), limits);
    left.signal.addEventListener("abort", () => void handler.close(), { once: true });
    const response = await handler.fetch(request);
    // A stream is opened before its calls are made, and only then is known what these were charged.
    const stream = response.body && (await begun(piecesOf(response.body, left.signal)));
    // The SDK's words on caches and connections would replace the gateway's own.
    for (const name of ["cache-control", "connection"]) response.headers.delete(name);
    const headers = {
      ...Object.fromEntries(response.headers),
      ...limitHeaders(key, deps.now()),
      ...(retryAfter > 0 ? { "retry-after": retryAfter } : {}),
    };
    ctx.respond = false;
    const answer = { status: response.status, headers, body: [], release: () => undefined };
    sendAnswer(ctx.res, stream === null ? answer : { ...answer, stream });
  };
  return { path: "/mcp", methods: ["POST"], serve };
}

/**
 * The request as the SDK reads it, without a signal: undici keeps whoever listens to one until two
 * full collections have passed, which was some 40 KiB for each call.
 * @throws Problem when the body is too long, or ends early
 */
async function readRequest({ req }: Context): Promise<Request> {
  try {
    return await toWebRequest(req, undefined, limits);
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 413) {
      await drain(req);
      throw new Problem(413, "ERR_BODY", "the body is longer than 1 MiB", { connection: "close" });
    }
    if (!req.complete) throw new Problem(400, "ERR_BODY", "the body ended early");
    throw error;
  }
}

/** A body's pieces, each zeroed when it has left; ends when the client has left. */
async function* piecesOf(
  body: ReadableStream<Uint8Array>,
  left: AbortSignal,
): AsyncGenerator<StreamPiece> {
  const reader = body.getReader();
  left.addEventListener("abort", () => void reader.cancel(), { once: true });
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) return;
    const piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    yield { pieces: [piece], release: () => void piece.fill(0) };
  }
}
