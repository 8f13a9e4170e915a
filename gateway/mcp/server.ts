import { McpServer } from "@modelcontextprotocol/server";
import { version } from "../../common/version.ts";
import type { ToolDeps } from "./tool.ts";
import { tools } from "./tools.ts";

const instructions =
  "Random numbers from a quantum source (get_status says whether it is a simulated one). ERR_NO_ENTROPY means that there are too few fresh bytes just now: try again after retry_after_seconds, and never make values up instead.";

/** The same for as long as this version runs, and for every client. */
const unchanging = { ttlMs: 3_600_000, cacheScope: "public" } as const;

/** Who answers, as each answer of the later era says. */
export const identity = { name: "qrng-bridge", title: "QRNG Bridge", version };

/** A server for one request over HTTP, or for one connection over stdio. */
export function createMcpServer(deps: ToolDeps): McpServer {
  const server = new McpServer(identity, {
    instructions,
    // No change of the tools is ever announced, so that no client holds a stream open for one.
    capabilities: { tools: { listChanged: false } },
    cacheHints: { "tools/list": unchanging, "server/discover": unchanging },
  });
  for (const tool of tools) tool.register(server, deps);
  return server;
}
