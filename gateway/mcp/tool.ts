import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import type { z } from "zod";
import { Problem } from "../problem.ts";
import type { RandomService } from "./service.ts";

/** What one tool takes, what it gives, and how. */
export interface Tool<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whether a call uses up random bytes. */
  readonly draws: boolean;
  readonly input: Input;
  readonly output: Output;
  /** @throws Problem, which becomes the tool's error */
  readonly run: (
    service: RandomService,
    input: z.output<Input>,
    signal: AbortSignal,
  ) => Promise<z.output<Output>>;
}

export interface ToolDeps {
  readonly service: RandomService;
  /** Told of what was thrown and is no Problem: clients are not told. */
  readonly onFailure: (error: unknown) => void;
}

/** A tool that waits for a server to be part of. */
export type RegisterTool = (server: McpServer, deps: ToolDeps) => void;

/** Made once: a server is made for each request, and a schema is slow to make. */
export function bindTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): RegisterTool {
  const { name, title, description, draws, input, output } = tool;
  const annotations = {
    title,
    readOnlyHint: !draws,
    destructiveHint: false,
    idempotentHint: !draws,
    openWorldHint: false,
  };
  const config = { title, description, annotations, inputSchema: input, outputSchema: output };
  return (server, { service, onFailure }) => {
    server.registerTool<Output, z.ZodObject>(name, config, async (given, context) => {
      try {
        const value = await tool.run(service, given as z.output<Input>, context.mcpReq.signal);
        return { content: [asText(value)], structuredContent: value };
      } catch (error) {
        if (!(error instanceof Problem)) onFailure(error);
        return toolError(error instanceof Problem ? error : internal);
      }
    });
  };
}

const internal = new Problem(500, "ERR_INTERNAL", "the call failed; the server's log says where");

/** As text only: clients check structured content against the tool's schema, also of an error. */
function toolError({ status, code, message, headers }: Problem): CallToolResult {
  const wait = headers["retry-after"];
  const retry = wait === undefined ? {} : { retry_after_seconds: Number(wait) };
  return { content: [asText({ status, code, detail: message, ...retry })], isError: true };
}

function asText(value: unknown): { type: "text"; text: string } {
  return { type: "text", text: JSON.stringify(value) };
}
