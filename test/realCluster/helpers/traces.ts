import { globSync, readFileSync } from "node:fs";
import { run } from "../../images/helpers/command.ts";

/** What of the whole machine a cluster could leave or change, by kind. */
export async function traces(): Promise<Record<string, readonly string[]>> {
  return {
    processes: (await lines("ps", "-A", "-ww", "-o", "args=")).filter(isOfNode),
    mounts: readFileSync("/proc/self/mounts", "utf8").split("\n").filter(isOfNode),
    networks: await lines("lsns", "--type", "net", "--noheadings", "--output", "NS"),
    devices: await lines("ip", "-oneline", "link"),
    cgroups: globSync("/sys/fs/cgroup/{,*/}qrng-bridge-*"),
    folders: globSync(
      "/{run,tmp,var/lib,var/log}/{cilium,cni,kubelet,netns,pods,qrng-bridge-node-*}",
    ),
    settings: globSync(
      "/proc/sys/{kernel/{panic*,timer_migration,unprivileged_bpf_disabled},vm/*}",
    ).map((file) => `${file} ${readSetting(file)}`),
  };
}

async function lines(command: string, ...args: string[]): Promise<string[]> {
  return (await run(command, args)).split("\n").sort();
}

const isOfNode = (line: string): boolean => line.includes("qrng-bridge-node-");

/** Some can only be written. */
function readSetting(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
