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

/** Posts a call of get_random_bytes in either era's form. */
export function postCall(gateway: TestGateway, era: Era, bytes: number): Promise<Response> {
  const { params, ...message } = callOf(1, bytes);
  if (era === "2025-11-25") return post(gateway, { ...message, params });
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return post(
    gateway,
    { ...message, params: { ...params, _meta: envelope } },
    { "mcp-protocol-version": era, "mcp-method": message.method, "mcp-name": params.name },
  );
}
