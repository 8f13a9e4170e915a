import { spawn } from "node:child_process";

export interface ToolResult {
  readonly code: number | null;
  /** stdout and stderr as they came. */
  readonly output: string;
}

export interface ToolOptions {
  /** How to get it, for the error when it is not there. */
  readonly install: string;
  readonly input?: string;
  readonly cwd?: string;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. */
export async function runTool(
  command: string,
  args: readonly string[],
  { install, input = "", env, ...options }: ToolOptions,
): Promise<ToolResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  child.on("error", () =>
    reject(new Error(`${command} is not there; install it with: ${install}`)),
  );
  child.on("close", (code) => resolve({ code, output }));
  child.stdin.on("error", () => undefined).end(input);
  return promise;
}
