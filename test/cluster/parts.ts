import { spawn } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { mkdir, mkdtempDisposable, readFile, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The programs of a Kubernetes, built from the Go modules that tools/go.mod pins. A part is what is
 * built together; what a later suite needs (a node's programs, a network, Helm) is one more part.
 */
const parts = {
  control: ["etcd", "kube-apiserver", "kubectl"],
  controllers: ["kube-controller-manager"],
} as const satisfies Record<string, readonly string[]>;

export type PartName = keyof typeof parts;
export type ProgramName = (typeof parts)[PartName][number];

const tools = fileURLToPath(new URL("tools", import.meta.url));
const howToGet =
  "install Go 1.26 or newer (https://go.dev/dl) and put it in PATH, " +
  "or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kubectl and kube-controller-manager";

/**
 * The path of a program: from KUBEBUILDER_ASSETS when that folder has it, otherwise built (minutes
 * the first time, nothing when the pinned version is there) into K8S_ROOT, which is
 * ~/.cache/qrng-bridge/cluster when not set.
 * @throws with what to install when it is neither there nor can be built
 */
export async function program(name: ProgramName, env = process.env): Promise<string> {
  const assets = env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && assets !== "") {
    const given = join(assets, name);
    if (await exists(given)) return given;
    if (name === "etcd" || name === "kube-apiserver")
      throw new Error(`KUBEBUILDER_ASSETS names ${assets}, which has no ${name}: ${howToGet}`);
  }
  return join(await build(partOf(name), env), name);
}

function partOf(name: ProgramName): PartName {
  const programs: Record<PartName, readonly string[]> = parts;
  return (Object.keys(parts) as PartName[]).find((part) => programs[part].includes(name))!;
}

/** Builds a part unless its stamp says that it is there as pinned. Gives the folder. */
async function build(part: PartName, env: NodeJS.ProcessEnv): Promise<string> {
  const folder = join(env["K8S_ROOT"] ?? join(homedir(), ".cache/qrng-bridge/cluster"), "bin");
  const stamp = join(folder, `${part}.stamp`);
  const pinned = await digestOfPins(part);
  const built = await readFile(stamp, "utf8").catch(() => undefined);
  const programs = await Promise.all(parts[part].map((name) => exists(join(folder, name))));
  if (built === pinned && programs.every(Boolean)) return folder;
  await mkdir(folder, { recursive: true });
  for (const name of parts[part]) await buildProgram(name, folder, env);
  await writeFile(stamp, pinned);
  return folder;
}

/** What a part is made of, so that another version or another way to build it is built anew. */
async function digestOfPins(part: PartName): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(parts[part]));
  for (const file of ["go.mod", "go.sum"]) hash.update(await readFile(join(tools, file)));
  return hash.digest("hex");
}

/** Renames at the end, so that a run beside this one never starts half a program. */
async function buildProgram(name: ProgramName, folder: string, env: NodeJS.ProcessEnv) {
  process.stderr.write(`building ${name} (up to 4 minutes the first time) …\n`);
  await using own = await mkdtempDisposable(join(folder, "build-"));
  const unfinished = join(own.path, name);
  const source = name === "etcd" ? "go.etcd.io/etcd/server/v3" : `k8s.io/kubernetes/cmd/${name}`;
  const flags = ["-ldflags", await linkerFlags()];
  const go = spawn("go", ["build", ...flags, "-o", unfinished, source], {
    cwd: tools,
    env: { ...env, CGO_ENABLED: "0" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = await once(go, "exit").catch((cause: unknown) => {
    throw new Error(`${name} is not there and Go cannot be run to build it: ${howToGet}`, {
      cause,
    });
  });
  if (code !== 0) throw new Error(`${name} could not be built: go build ended with ${code}`);
  await rename(unfinished, join(folder, name));
}

/** Without the linker's help a Kubernetes program calls itself v0.0.0 and clients balk at it. */
async function linkerFlags(): Promise<string> {
  const [, major, minor, patch] = /k8s\.io\/kubernetes v(\d+)\.(\d+)\.(\d+)/.exec(
    await readFile(join(tools, "go.mod"), "utf8"),
  )!;
  const version = `v${major}.${minor}.${patch}`;
  const values = {
    "k8s.io/component-base/version.gitVersion": version,
    "k8s.io/component-base/version.gitMajor": major,
    "k8s.io/component-base/version.gitMinor": minor,
    "k8s.io/client-go/pkg/version.gitVersion": version,
  };
  const settings = Object.entries(values).map(([name, value]) => `-X ${name}=${value}`);
  return ["-s", "-w", ...settings].join(" ");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
