import type { IncomingHttpHeaders } from "node:http";
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Answer, StreamPiece } from "../api/answer.ts";
import { begun } from "../begun.ts";
import { createMcpServer } from "./server.ts";
import type { ToolDeps } from "./tool.ts";

// No call waits: a stream without a message for as long as a stalled client is given is left over.
const options = { keepAliveMs: 0 };

/**
 * What the SDK answers to a post, by a handler and a server of its own.
 * @param left aborts when the client has left
 */
export async function answerBySdk(
  headers: IncomingHttpHeaders,
  body: string,
  deps: ToolDeps,
  left: AbortSignal,
): Promise<Answer> {
  const handler = createMcpHandler(() => createMcpServer(deps), options);
  left.addEventListener("abort", () => void handler.close(), { once: true });
  const response = await handler.fetch(asWebRequest(headers, body));
  // A stream is opened before its calls are made, and only then is known what these were charged.
  const stream = response.body && (await begun(piecesOf(response.body, left)));
  // The SDK's words on caches and connections would replace the gateway's own.
  for (const name of ["cache-control", "connection"]) response.headers.delete(name);
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: [],
    release: () => undefined,
  };
  return stream === null ? answer : { ...answer, stream };
}

/**
 * The post as the SDK reads it, with no header that is not MCP's, and without a signal: undici keeps
 * whoever listens to one until two full collections have passed, which was some 40 KiB for each call.
 */
function asWebRequest(headers: IncomingHttpHeaders, body: string): Request {
  const passed = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    const isRead = name.startsWith("mcp-") || name === "accept" || name === "content-type";
    if (isRead && typeof value === "string") passed.set(name, value);
  }
  const url = "http://gateway/mcp"; // a Request has to have one; nobody looks at it
  return new Request(url, { method: "POST", headers: passed, body: body === "" ? null : body });
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
