import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { sleep } from "../common/wait.ts";
import { LaunchError } from "./errors.ts";

/** One of our programs, to be run as a process of its own. */
export interface Program {
  /** For people. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Gets all that it writes. */
  readonly logFile: string;
}

export interface Child {
  readonly program: Program;
  /**
   * What a listener of its listens on; undefined when it has ended instead.
   * @throws LaunchError when it takes too long to tell
   */
  address(listener: string): Promise<string | undefined>;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>;
  /** Asks it to stop, and kills it when it takes too long. */
  stop(): Promise<void>;
  kill(): void;
}

const startMilliseconds = 15_000;
/** More than the grace period that the programs have here. */
const stopMilliseconds = 5_000;

const announcement = z.object({ listener: z.string().max(64), address: z.string().max(64) });

/**
 * Starts a program in a process group of its own, so that Ctrl-C reaches only the launcher, which
 * then stops its children in their order. The channel tells the child when the launcher is gone.
 * @param log a file descriptor
 */
export function spawnChild(program: Program, log: number): Child {
  const child = spawn(process.execPath, [program.script, ...program.args], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  child.once("exit", (code, signal) => end(signal === null ? `with code ${code}` : `by ${signal}`));
  child.once("error", () => end("before it could run"));

  const told = new Map<string, PromiseWithResolvers<string>>();
  const addressOf = (listener: string): PromiseWithResolvers<string> => {
    const known = told.get(listener) ?? Promise.withResolvers<string>();
    told.set(listener, known);
    return known;
  };
  child.on("message", (message) => {
    const { success, data } = announcement.safeParse(message);
    if (success) addressOf(data.listener).resolve(data.address);
  });

  return {
    program,
    ended,
    address: async (listener) => {
      const listening = addressOf(listener).promise.then((address) => ({ address }));
      const gone = ended.then(() => ({}));
      const outcome = await within<{ address?: string }>(startMilliseconds, [listening, gone]);
      if (outcome !== undefined) return outcome.address;
      throw new LaunchError(
        `${program.name} does not start to listen\nits log: ${program.logFile}`,
      );
    },
    stop: async () => {
      child.kill("SIGTERM");
      const inTime = await within(stopMilliseconds, [ended]);
      if (inTime === undefined) child.kill("SIGKILL");
      await ended;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** The last line of a program's log that is not one of its JSON lines: what it died of. */
export async function lastWords(logFile: string): Promise<string | undefined> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => /^[^\s{}]/.test(line));
  // Node ends its reports with its version.
  return lines.findLast((line) => !line.startsWith("Node.js v"));
}

/** What the first to settle gives, or undefined after so many milliseconds. */
async function within<T>(
  milliseconds: number,
  promises: readonly Promise<T>[],
): Promise<T | undefined> {
  const settled = new AbortController();
  const late = sleep(milliseconds, settled.signal).then(() => undefined);
  try {
    return await Promise.race([...promises, late]);
  } finally {
    settled.abort();
  }
}
