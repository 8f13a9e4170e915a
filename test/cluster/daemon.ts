import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { Writable } from "node:stream";

/**
 * A server that cannot outlive the process that started it: a shell beside it, in the same process
 * group, reads from a pipe of the starter and ends the server when the pipe closes, however the
 * starter ended. While the shell lives, no other process can get the server's id.
 */
export interface Daemon {
  /** @throws when it has ended, with the end of its log */
  assertRunning(): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL, also when it is stopped; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface DaemonInit {
  readonly command: string;
  readonly args: readonly string[];
  /** The file that gets its stdout and stderr. */
  readonly log: string;
  /** A folder that is removed when the starter has ended without doing so. */
  readonly folder?: string;
}

const tether = `
  folder=$1; shift
  (cat <&3 >/dev/null; kill -KILL $$; rm -rf \${folder:+"$folder"}) &
  exec "$@" 3<&-
`;

/** In a process group of its own: Ctrl-C in a terminal reaches the starter alone. */
export async function startDaemon({
  command,
  args,
  log,
  folder = "",
}: DaemonInit): Promise<Daemon> {
  await using file = await open(log, "a");
  const child = spawn("sh", ["-c", tether, "sh", folder, command, ...args], {
    detached: true,
    stdio: ["ignore", file.fd, file.fd, "pipe"],
  });
  const ended = once(child, "exit");
  await once(child, "spawn");
  return {
    assertRunning: async () => {
      if (child.exitCode === null && child.signalCode === null) return;
      const end = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-5).join("\n");
      throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}:\n${end}`);
    },
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
      const pipe = child.stdio[3];
      if (pipe instanceof Writable) pipe.end();
    },
  };
}
