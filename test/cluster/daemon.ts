import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { Socket } from "node:net";

/**
 * A server that cannot outlive the process that started it: a shell beside it, in the same process
 * group, reads from a pipe of the starter, and when the pipe closes, however the starter ended, it
 * ends the server and cleans up. While the shell lives, no other process can get the server's id.
 */
export interface Daemon {
  readonly pid: number;
  /** @throws when it has ended, with the end of its log */
  assertRunning(): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL, also when it is stopped; resolves when it is gone and cleaned up. */
  kill(): Promise<void>;
}

export interface DaemonInit {
  readonly command: string;
  readonly args: readonly string[];
  /** The file that gets its stdout and stderr. */
  readonly log: string;
  /** A command that is run when it was killed, or has outlived its starter. */
  readonly cleanup?: readonly string[];
}

const tether = `
  cleanup=$1; shift
  (cat <&3 >/dev/null; kill -KILL $$ 2>/dev/null; eval "$cleanup") &
  exec "$@" 3<&-
`;

/** In a process group of its own: Ctrl-C in a terminal reaches the starter alone. */
export async function startDaemon({
  command,
  args,
  log,
  cleanup = [],
}: DaemonInit): Promise<Daemon> {
  await using file = await open(log, "a");
  const quoted = cleanup.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("sh", ["-c", tether, "sh", quoted, command, ...args], {
    detached: true,
    stdio: ["ignore", file.fd, file.fd, "pipe"],
  });
  const ended = once(child, "exit");
  await once(child, "spawn");
  const pipe = child.stdio[3];
  if (child.pid === undefined || !(pipe instanceof Socket)) throw new Error(`no ${command}`);
  const cleaned = once(pipe.resume(), "close");
  pipe.unref(); // a server that has ended keeps nobody up
  return {
    pid: child.pid,
    assertRunning: async () => {
      if (child.exitCode === null && child.signalCode === null) return;
      const end = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-5).join("\n");
      throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}:\n${end}`);
    },
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
      pipe.ref();
      pipe.end();
      await cleaned;
    },
  };
}
