import { apiKey, type TestGateway } from "../../gateway/helpers/gateway.ts";
import type { Era } from "./clients.ts";

/** What every request to /mcp needs, as revision 2025-11-25 has it. */
export const mcpHeaders = {
  "x-api-key": apiKey,
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-11-25",
};

/** A call of get_random_bytes as revision 2025-11-25 has it. */
export const callOf = (id: number, bytes = 16) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name: "get_random_bytes", arguments: { bytes } },
});

/** Posts to /mcp without an SDK between: headers are seen as they come. */
export function post(
  gateway: TestGateway,
  body: unknown,
  more: Record<string, string> = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const init = { method: "POST", headers: { ...mcpHeaders, ...more }, body: text };
  return fetch(`${gateway.api}/mcp`, init);
}

/** What a call of a tool asks for. */
interface CallParams {
  readonly name: string;
  readonly arguments?: object | undefined;
}

/** A call in either era's form, and the headers that go with it. */
export function messageOf(
  era: Era,
  params: CallParams,
): { message: { params: object }; headers: Record<string, string> } {
  const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params };
  if (era === "2025-11-25") return { message, headers: {} };
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return {
    message: { ...message, params: { ...params, _meta: envelope } },
    headers: {
      "mcp-protocol-version": era,
      "mcp-method": message.method,
      "mcp-name": params.name,
    },
  };
}

export function postMessage(gateway: TestGateway, era: Era, params: CallParams): Promise<Response> {
  const { message, headers } = messageOf(era, params);
  return post(gateway, message, headers);
}

/** Posts a call of get_random_bytes in either era's form. */
export function postCall(gateway: TestGateway, era: Era, bytes: number): Promise<Response> {
  return postMessage(gateway, era, callOf(1, bytes).params);
}
