import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** All that it wrote to stdout and stderr. */
  output(): string;
  /** Its log, parsed; lines of other shapes are left out. */
  lines(): Record<string, unknown>[];
  /** Waits for the line with a message. */
  says(message: string): Promise<Record<string, unknown>>;
  /** Waits until it has ended and all of its output is there. */
  readonly ended: Promise<Ended>;
}

/** A real process of a program in test/fixtures, with a channel to it; ended with the test. */
export function startFixture(name: string, ...args: string[]): Child {
  return startProgram(new URL(`../fixtures/${name}`, import.meta.url), args);
}

/** The same with any TypeScript file. @param env beside this process's own */
export function startProgram(
  file: URL,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const program = fileURLToPath(file);
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const streams = [child.stdout!, child.stderr!];
  const written: string[] = [];
  for (const stream of streams) {
    stream.setEncoding("utf8").on("data", (text: string) => written.push(text));
  }
  // Not the child's `close`: it does not come once the channel was disconnected from this side.
  const closed = streams.map((stream) => once(stream, "close"));
  const exited = once(child, "exit") as Promise<[Ended["code"], Ended["signal"]]>;
  const ended = exited.then(async ([code, signal]) => {
    await Promise.all(closed);
    return { code, signal };
  });
  const output = (): string => written.join("");
  const lines = (): Record<string, unknown>[] => output().split("\n").flatMap(parseLine);
  return {
    process: child,
    output,
    lines,
    says: (message) => eventually(() => lines().find((line) => line["message"] === message)),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function parseLine(line: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? [value as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}
