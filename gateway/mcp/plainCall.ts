import type { IncomingHttpHeaders } from "node:http";
import {
  classifyInboundRequest,
  isJsonContentType,
  RELATED_TASK_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
  type CallToolResult,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { jsonAnswer } from "../api/route.ts";
import type { Answer } from "../api/answer.ts";
import { identity } from "./server.ts";
import type { ToolDeps } from "./tool.ts";
import { tools } from "./tools.ts";

const toolsByName = new Map(tools.map((tool) => [tool.name, tool]));

const token = z.union([z.string(), z.int()]);

/** A call with nothing in it but a tool and its arguments; progress is asked for in vain. */
const plainCall = z.strictObject({
  jsonrpc: z.literal("2.0"),
  id: token,
  method: z.literal("tools/call"),
  params: z.strictObject({
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()).default({}),
    _meta: z
      .looseObject({
        progressToken: token.optional(),
        [RELATED_TASK_META_KEY]: z.undefined().optional(),
      })
      .optional(),
  }),
});

/**
 * The way of plain calls past the SDK, which makes a server for each request and takes many times as
 * long: one call of a tool with right arguments, in either era's form. The SDK says which era that
 * is, and the same functions answer; whatever is not plain, above all what is wrong, is the SDK's.
 * @returns undefined when it is not plain; nothing was done then
 */
export function answerPlainCall(
  headers: IncomingHttpHeaders,
  body: string,
  deps: ToolDeps,
): Promise<Answer> | undefined {
  const message = hasPlainTypes(headers) ? parseJson(body) : undefined;
  const { data: call } = plainCall.safeParse(message);
  if (call === undefined) return undefined;
  const { id, params } = call;
  const era = eraOf(headers, message, params.name);
  if (era === undefined) return undefined;
  const result = toolsByName.get(params.name)?.call(params.arguments, deps, unaborted);
  return result?.then((made) => jsonAnswer({ jsonrpc: "2.0", id, result: wireForms[era](made) }));
}

/** No tool of the gateway waits, so that there is nothing to end when a client leaves. */
const unaborted = new AbortController().signal;

function hasPlainTypes({ "content-type": type, accept = "" }: IncomingHttpHeaders): boolean {
  const takesEither = accept.includes("application/json") && accept.includes("text/event-stream");
  return takesEither && isJsonContentType(type);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first revision that has no handshake: each request says what it is. */
const laterRevision = "2026-07-28";

type Era = "earlier" | "later";

/** A result as the era's answers have it. */
const wireForms: Readonly<Record<Era, (result: CallToolResult) => object>> = {
  earlier: (result) => result,
  later: (result) => ({
    ...result,
    resultType: "complete",
    _meta: { [SERVER_INFO_META_KEY]: identity },
  }),
};

/** Undefined where headers and message are not both there, or do not agree. */
function eraOf(headers: IncomingHttpHeaders, message: unknown, tool: string): Era | undefined {
  const { "mcp-protocol-version": revision, "mcp-method": method, "mcp-name": name } = headers;
  const { kind } = classifyInboundRequest({
    httpMethod: "POST",
    ...(typeof revision === "string" && { protocolVersionHeader: revision }),
    ...(typeof method === "string" && { mcpMethodHeader: method }),
    ...(typeof name === "string" && { mcpNameHeader: name }),
    body: message,
  });
  if (kind === "legacy") {
    const isKnown =
      revision === undefined || SUPPORTED_PROTOCOL_VERSIONS.some((known) => known === revision);
    return isKnown ? "earlier" : undefined;
  }
  const isPlain = revision === laterRevision && method === "tools/call" && name === tool;
  return kind === "modern" && isPlain ? "later" : undefined;
}
