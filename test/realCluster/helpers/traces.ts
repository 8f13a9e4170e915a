import { existsSync, globSync, readFileSync } from "node:fs";
import type { Machine } from "../../cluster/node/machine.ts";
import { run } from "../../images/helpers/command.ts";

export const noTraces = { processes: [], mounts: [], cgroups: [], folders: [] };

/** What is left of a machine, by kind; others may run beside it. */
export async function tracesOf({
  folder,
  cgroup,
}: Pick<Machine, "folder" | "cgroup">): Promise<Record<keyof typeof noTraces, string[]>> {
  const isIts = (line: string): boolean => line.includes(folder) || line.includes(cgroup);
  return {
    processes: (await lines("ps", "-A", "-ww", "-o", "args=")).filter(isIts),
    mounts: readFileSync("/proc/self/mounts", "utf8").split("\n").filter(isIts),
    cgroups: globSync("/sys/fs/cgroup/{,*/}qrng-bridge-*").filter(isIts),
    folders: [folder].filter((path) => existsSync(path)),
  };
}

/** What of the whole machine no cluster may change: each has its own. */
export async function wholeMachine(): Promise<Record<string, readonly string[]>> {
  return {
    devices: await lines("ip", "-oneline", "link"),
    folders: globSync("/{run,tmp,var/lib,var/log}/{cilium,cni,kubelet,netns,pods}"),
    settings: globSync(
      "/proc/sys/{kernel/{panic*,timer_migration,unprivileged_bpf_disabled},vm/*}",
    ).map((file) => `${file} ${readSetting(file)}`),
  };
}

async function lines(command: string, ...args: string[]): Promise<string[]> {
  return (await run(command, args)).split("\n").sort();
}

/** Some can only be written. */
function readSetting(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
