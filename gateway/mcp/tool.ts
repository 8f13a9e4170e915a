import type {
  CallToolResult,
  McpServer,
  StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
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

/** A tool whose arguments have been bound to its schema: takes any that came. */
export interface BoundTool {
  readonly name: string;
  /** Makes it part of a server. */
  readonly register: (server: McpServer, deps: ToolDeps) => void;
  /** Calls it without a server; undefined when the arguments are not right. */
  readonly call: (
    given: unknown,
    deps: ToolDeps,
    signal: AbortSignal,
  ) => Promise<CallToolResult> | undefined;
}

/** Made once: a server is made for each request, and a schema is slow to make. */
export function bindTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): BoundTool {
  const { name, title, description, draws, input, output } = tool;
  const annotations = {
    title,
    readOnlyHint: !draws,
    destructiveHint: false,
    idempotentHint: !draws,
    openWorldHint: false,
  };
  const answer = async (
    given: z.output<Input>,
    { service, onFailure }: ToolDeps,
    signal: AbortSignal,
  ): Promise<CallToolResult> => {
    try {
      const value = await tool.run(service, given, signal);
      return { content: [asText(value)], structuredContent: value };
    } catch (error) {
      if (!(error instanceof Problem)) onFailure(error);
      return toolError(error instanceof Problem ? error : internal);
    }
  };
  const config = {
    title,
    description,
    annotations,
    inputSchema: describedOnce(input),
    outputSchema: describedOnce(output),
  };
  return {
    name,
    register: (server, deps) =>
      server.registerTool(name, config, (given, context) =>
        answer(given, deps, context.mcpReq.signal),
      ),
    call: (given, deps, signal) => {
      const { data, success } = input.safeParse(given);
      return success ? answer(data, deps, signal) : undefined;
    },
  };
}

/** A schema whose JSON Schema is kept: the SDK asks for it with each call, and zod would make it anew. */
function describedOnce<Schema extends z.ZodObject>(
  schema: Schema,
): StandardSchemaWithJSON<z.input<Schema>, z.output<Schema>> {
  const standard = schema["~standard"];
  const { input, output } = standard.jsonSchema;
  return { "~standard": { ...standard, jsonSchema: { input: once(input), output: once(output) } } };
}

/** The SDK asks in one dialect only. */
function once<Options, Value>(make: (options: Options) => Value): (options: Options) => Value {
  let made: { value: Value } | undefined;
  return (options) => (made ??= { value: make(options) }).value;
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
