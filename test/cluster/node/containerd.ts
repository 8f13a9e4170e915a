import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { eventually } from "../../helpers/eventually.ts";
import { program } from "../programs.ts";
import { type Machine, runOn, startOn } from "./machine.ts";

export const containerdSocket = "/run/containerd/containerd.sock";

/** Where the network plugin's config is written once its agent is healthy. */
export const networkConfigs = (machine: Machine): string => join(machine.folder, "net.d");

/**
 * Starts containerd with images from archives: there is no registry. Its paths are the usual ones,
 * which on the machine are its own.
 */
export async function startContainerd(
  machine: Machine,
  archives: readonly string[],
): Promise<void> {
  const containerd = await program("containerd");
  await program("containerd-shim-runc-v2"); // found beside the others, by PATH
  const plugins = dirname(await program("cilium-cni"));
  const file = join(machine.folder, "containerd.toml");
  await mkdir(networkConfigs(machine));
  await writeFile(file, config(networkConfigs(machine), plugins));
  const path = `PATH=${dirname(containerd)}:${process.env["PATH"]}`;
  const daemon = await startOn(machine, "containerd", ["env", path, containerd, "--config", file]);
  await eventually(async () => {
    await daemon.assertRunning();
    return onContainerd(machine, "version").then(
      () => true,
      () => false,
    );
  }, 180_000);
  await importImages(machine, archives);
}

/** Has the node know the images of archives by their tags. */
export async function importImages(machine: Machine, archives: readonly string[]): Promise<void> {
  for (const archive of archives)
    await onContainerd(machine, "images", "import", "--snapshotter", "overlayfs", archive);
}

/** Gives an image of the node another tag beside its own. */
export async function tagImage(machine: Machine, tag: string, other: string): Promise<void> {
  await onContainerd(machine, "images", "tag", tag, other);
}

async function onContainerd(machine: Machine, ...args: string[]): Promise<string> {
  return runOn(machine, [await program("ctr"), "--namespace", "k8s.io", ...args]);
}

/** https://github.com/containerd/containerd/blob/main/docs/cri/config.md */
function config(networks: string, plugins: string): string {
  return `version = 3
disabled_plugins = ["io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "localhost/pause:test"

[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  # Where root may not go below its own oom_score_adj, critical pods would not start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [${JSON.stringify(plugins)}]
    conf_dir = ${JSON.stringify(networks)}
    use_internal_loopback = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}
