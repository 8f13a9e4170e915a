import type { IncomingMessage } from "node:http";
import type { Logger } from "../../common/log/logger.ts";
import type { Answer } from "../api/answer.ts";
import type { CountRequest, Endpoint } from "../api/endpoint.ts";
import type { Caller } from "../api/route.ts";
import type { GatewayConfig } from "../config.ts";
import { readBody } from "./body.ts";
import type { answerMessage as AnswerMessage } from "./answerMessage.ts";
import { createGatewayService, type GatewayServiceDeps } from "./gatewayService.ts";
import { refuseForeign } from "./guard.ts";
import { HeldDraws } from "./heldDraws.ts";

export interface McpDeps extends GatewayServiceDeps {
  readonly log: Logger;
}

/**
 * MCP over Streamable HTTP, in both protocol eras and without sessions: each request has a service
 * of its own, which knows the caller's key and nothing of other requests.
 */
export function createMcpEndpoint(config: GatewayConfig, deps: McpDeps): Endpoint {
  const guard = {
    allowedOrigins: [...config.cors_origins, ...config.mcp.allowed_origins],
    allowedHosts: config.mcp.allowed_hosts,
    listenHost: config.listen_address.host,
  };
  const onFailure = (error: unknown): void => deps.log.error({ error }, "an MCP request failed");

  let loaded: typeof AnswerMessage | undefined;

  const answer = async (
    request: IncomingMessage,
    caller: Caller,
    count: CountRequest,
  ): Promise<Answer> => {
    const body = await readBody(request);
    const draws = new HeldDraws();
    let retryAfter = 0;
    const service = createGatewayService(deps, {
      key: caller.key,
      hold: (draw) => draws.hold(draw),
      onAnswered: (call) => {
        count(call.status, call.seconds);
        retryAfter = Math.max(retryAfter, call.retryAfter);
      },
    });
    try {
      // With the first request: the SDK is some MiB that a gateway without clients of MCP never needs.
      const answerMessage = (loaded ??= (await import("./answerMessage.ts")).answerMessage);
      const { headers, ...made } = await answerMessage(
        request.headers,
        body,
        { service, onFailure },
        () => caller.signal,
      );
      return {
        ...made,
        headers: retryAfter > 0 ? { ...headers, "retry-after": retryAfter } : headers,
        release: () => draws.release(),
      };
    } catch (error) {
      draws.release(); // no answer is there that would
      throw error;
    }
  };
  return {
    path: "/mcp",
    methods: ["POST"],
    guard: (headers) => refuseForeign(headers, guard),
    answer,
  };
}
