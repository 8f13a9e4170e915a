import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../../helpers/eventually.ts";
import { run } from "../../images/helpers/command.ts";
import { type Daemon, startDaemon } from "../daemon.ts";
import { program } from "../programs.ts";
import { claim, removeLeftovers } from "./leftovers.ts";

/**
 * A machine within this one, with a network, processes and mounts of its own. Nothing that runs on
 * it reaches this machine's network, loopback included, and all of it ends with its first process,
 * which ends with the process that started it.
 */
export interface Machine {
  /** The same path on both; servers' logs are in its `log`. */
  readonly folder: string;
  /** The name of its cgroup in each hierarchy. */
  readonly cgroup: string;
  /** What a command is put behind to run on it. */
  readonly entry: readonly string[];
  /** And to run outside the cluster, at the addresses there. */
  readonly outside: readonly string[];
}

/** Its own address; machine.sh has those outside the cluster. */
export const nodeAddress = "10.89.0.1";
export const podAddresses = "10.244.0.0/16";

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Removes first what a run left that ended with all its helpers. */
export async function startMachine(): Promise<Machine & AsyncDisposable> {
  await removeLeftovers();
  const pause = await program("pause");
  const folder = await mkdtemp(join(tmpdir(), "qrng-bridge-node-"));
  await mkdir(join(folder, "log"));
  const cgroup = `qrng-bridge-${randomBytes(6).toString("hex")}`;
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const first = ["sh", script("machine.sh"), folder, cgroup, pause];
  const daemon = await startDaemon({
    command: "unshare",
    args: [...namespaces, ...first],
    log: join(folder, "log/machine.log"),
    cleanup: ["sh", script("cleanup.sh"), folder, cgroup],
  });
  try {
    await claim(folder, { cgroup, pid: daemon.pid });
    await eventually(async () => {
      await daemon.assertRunning();
      return existsSync(join(folder, "ready"));
    });
  } catch (error) {
    await daemon.kill();
    throw error;
  }
  const { pid } = daemon;
  // The shell that watches over it is its first child.
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const target = children.trim().split(" ").at(-1) ?? "";
  const entered = ["nsenter", "--target", target, "--net", "--mount", "--pid"];
  // What nsenter starts is no child of the process that starts nsenter, but has to end with it.
  const ending = ["setpriv", "--pdeathsig", "KILL"];
  const entry = [...entered, ...ending];
  const outside = [...entered, "nsenter", "--net=/run/netns/outside", ...ending];
  return {
    folder,
    cgroup,
    entry,
    outside,
    [Symbol.asyncDispose]: () => daemon.kill(),
  };
}

/** Starts a server on it, or behind another entry. */
export function startOn(
  { folder, entry }: Machine,
  name: string,
  command: readonly string[],
  where: readonly string[] = entry,
): Promise<Daemon> {
  const [first = "", ...args] = [...where, ...command];
  return startDaemon({ command: first, args, log: join(folder, `log/${name}.log`) });
}

/** Runs a command on it to its end. @returns its stdout @throws with its stderr when it fails */
export function runOn({ entry }: Machine, command: readonly string[]): Promise<string> {
  const [first = "", ...args] = [...entry, ...command];
  return run(first, args);
}
