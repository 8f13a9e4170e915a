import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtempDisposable, readFile, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

interface Pin {
  readonly module: string;
  readonly package: string;
  readonly tags?: string;
}

/**
 * What can be built: the folder here whose go.mod pins it, and its package. Another program is one
 * more line, another project's one more folder: modules of different projects seldom agree on
 * versions.
 */
const programs = {
  etcd: { module: "tools", package: "go.etcd.io/etcd/server/v3" },
  "kube-apiserver": { module: "tools", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
  "kube-controller-manager": {
    module: "tools",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
  },
  kubectl: { module: "tools", package: "k8s.io/kubernetes/cmd/kubectl" },
  helm: { module: "tools/helm", package: "helm.sh/helm/v4/cmd/helm" },
  "kube-scheduler": { module: "tools", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
  "kube-proxy": { module: "tools", package: "k8s.io/kubernetes/cmd/kube-proxy" },
  kubelet: { module: "tools", package: "k8s.io/kubernetes/cmd/kubelet" },
  containerd: containerd("containerd"),
  "containerd-shim-runc-v2": containerd("containerd-shim-runc-v2"),
  ctr: containerd("ctr"),
  coredns: { module: "tools/coredns", package: "." },
  "cilium-agent": { module: "tools/cilium", package: "github.com/cilium/cilium/daemon" },
  "cilium-cni": { module: "tools/cilium", package: "github.com/cilium/cilium/plugins/cilium-cni" },
  pause: { module: "tools/pause", package: "." },
} satisfies Record<string, Pin>;

/** Without the snapshotters that take C libraries. */
function containerd(name: string): Pin {
  const module = "tools/containerd";
  const tags = "no_btrfs,no_zfs,no_devmapper";
  return { module, package: `github.com/containerd/containerd/v2/cmd/${name}`, tags };
}

export type ProgramName = keyof typeof programs;

/** Something must be installed; the message says what. */
export class MissingProgram extends Error {
  override readonly name = "MissingProgram";
}

const howToGet =
  "install Go 1.26 or newer (https://go.dev/dl) so that `go` is in PATH, or set KUBEBUILDER_ASSETS " +
  "to a folder with etcd, kube-apiserver, kubectl and kube-controller-manager";

/**
 * The path of a program: from KUBEBUILDER_ASSETS when that folder has it, otherwise built (minutes
 * the first time, not at all while the pinned version is there) into K8S_ROOT, by default
 * ~/.cache/qrng-bridge/cluster.
 * @throws MissingProgram when it is neither there nor can be built
 */
export async function program(name: ProgramName, env = process.env): Promise<string> {
  const assets = env["KUBEBUILDER_ASSETS"];
  if (assets) {
    const given = join(assets, name);
    if (await exists(given)) return given;
    // These two make a folder of assets; it has a kubectl as a rule and never the rest.
    if (name === "etcd" || name === "kube-apiserver")
      throw new MissingProgram(
        `no ${name} in ${assets}, which KUBEBUILDER_ASSETS names: ${howToGet}`,
      );
  }
  const root = env["K8S_ROOT"] || join(homedir(), ".cache/qrng-bridge/cluster");
  const folder = join(root, "bin");
  const built = join(folder, name);
  const stamp = `${built}.stamp`;
  const pinned = await digestOfPins(name);
  const stamped = await readFile(stamp, "utf8").catch(() => undefined);
  if (stamped === pinned && (await exists(built))) return built;
  await mkdir(folder, { recursive: true });
  await build(name, folder, env);
  await writeFile(stamp, pinned);
  return built;
}

/** Of all that decides what is built. */
async function digestOfPins(name: ProgramName): Promise<string> {
  const { module, package: built } = pinOf(name);
  const hash = createHash("sha256").update(JSON.stringify(programs[name]));
  const files = ["go.mod", "go.sum", ...(built === "." ? ["main.go"] : [])];
  for (const file of files)
    hash.update(await readFile(moduleFile(module, file)).catch(() => Buffer.of())); // no go.sum
  return hash.digest("hex");
}

/** Renames at the end, so that a run beside this one never starts half a program. */
async function build(name: ProgramName, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  await using own = await mkdtempDisposable(join(folder, "build-"));
  const output = join(own.path, name);
  const { module, package: built, tags = "" } = pinOf(name);
  const flags = ["-ldflags", linkerFlags(await readFile(moduleFile(module, "go.mod"), "utf8"))];
  const go = spawn("go", ["build", ...flags, "-tags", tags, "-o", output, built], {
    cwd: moduleFile(module),
    env: { ...env, CGO_ENABLED: "0" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  await once(go, "spawn").catch(() => {
    throw new MissingProgram(`no ${name}, and no Go to build it: ${howToGet}`);
  });
  process.stderr.write(`building ${name} (up to 4 minutes the first time) …\n`);
  const [code] = await once(go, "exit");
  if (code !== 0) throw new Error(`${name} could not be built: go build ended with ${code}`);
  await rename(output, join(folder, name));
}

/**
 * Small, and with a version: a program of Kubernetes that was not told its own calls itself v0.0.0,
 * and the API server's features depend on it.
 */
function linkerFlags(goMod: string): string {
  const [kubernetes, major = "", minor = ""] =
    /k8s\.io\/kubernetes v(\d+)\.(\d+)\.\d+/.exec(goMod) ?? [];
  const version = kubernetes?.split(" ")[1] ?? "";
  const [, cilium = ""] = /github\.com\/cilium\/cilium v(\S+)/.exec(goMod) ?? [];
  const values = {
    ...(version && {
      "k8s.io/component-base/version.gitVersion": version,
      "k8s.io/component-base/version.gitMajor": major,
      "k8s.io/component-base/version.gitMinor": minor,
      "k8s.io/client-go/pkg/version.gitVersion": version,
    }),
    ...(cilium && { "github.com/cilium/cilium/pkg/version.ciliumVersion": cilium }),
  };
  const settings = Object.entries(values).map(([name, value]) => `-X ${name}=${value}`);
  return ["-s", "-w", ...settings].join(" ");
}

function pinOf(name: ProgramName): Pin {
  return programs[name];
}

function moduleFile(module: string, file = ""): string {
  return fileURLToPath(new URL(`${module}/${file}`, import.meta.url));
}

/** The sources of a module that a folder here pins; read-only, in Go's own cache. */
export async function moduleSources(module: string, path: string): Promise<string> {
  const args = ["mod", "download", "-json", path];
  const { stdout } = await promisify(execFile)("go", args, { cwd: moduleFile(module) });
  return z.object({ Dir: z.string() }).parse(JSON.parse(stdout)).Dir;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
