import { spawn } from "node:child_process";

export interface ToolResult {
  readonly code: number | null;
  /** stdout and stderr as they came. */
  readonly output: string;
}

/**
 * Runs a program to its end.
 * @param install how to get it, for the error when it is not there
 */
export async function runTool(
  command: string,
  args: readonly string[],
  { install, input, cwd }: { install: string; input?: string; cwd?: string },
): Promise<ToolResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
  const child = spawn(command, args, cwd === undefined ? {} : { cwd });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  child.on("error", () =>
    reject(new Error(`${command} is not there; install it with: ${install}`)),
  );
  child.on("close", (code) => resolve({ code, output }));
  child.stdin.on("error", () => undefined).end(input ?? "");
  return promise;
}
