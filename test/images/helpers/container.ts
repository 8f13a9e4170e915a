import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import type { Image } from "./builder.ts";
import { run } from "./command.ts";

/** What a program is started with, as a pod would give it. */
export interface Start {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Contents by path, which it may read. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Container extends AsyncDisposable {
  /** Its first process, as this system numbers it. */
  pid(): Promise<number>;
  /** All that it wrote. */
  output(): string;
  signal(name: "TERM" | "KILL"): Promise<void>;
  /** Its exit code, once it has ended. */
  exitCode(): Promise<number>;
}

/**
 * Runs an image by runc as Kubernetes' `restricted` would: its own user, no capabilities, no new
 * privileges, a read-only root; but in this system's network.
 */
export async function startContainer(image: Image, start: Start): Promise<Container> {
  const folder = await makeFolder();
  const mounted = Object.entries(start.files ?? {}).map(async ([path, text], index) => {
    const source = folder.at(`file-${index}`);
    await writeFile(source, text);
    return { destination: path, type: "bind", source, options: ["bind", "ro"] };
  });
  const spec = runtimeSpec(image, start, await Promise.all(mounted));
  await writeFile(folder.at("config.json"), JSON.stringify(spec));
  const id = folder.path.slice(folder.path.lastIndexOf("/") + 1);
  const state = ["--root", folder.at("runc")];
  const child = spawn("runc", [...state, "run", "--bundle", folder.path, id], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => written.push(text));
  const closed = once(child, "close");
  return {
    pid: async () => {
      const found: unknown = JSON.parse(await run("runc", [...state, "state", id]));
      return z.object({ pid: z.number() }).parse(found).pid;
    },
    output: () => written.join(""),
    signal: async (name) => {
      await run("runc", [...state, "kill", id, name]);
    },
    exitCode: () => eventually(() => child.exitCode ?? undefined),
    [Symbol.asyncDispose]: async () => {
      await run("runc", [...state, "delete", "--force", id]);
      await closed;
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function runtimeSpec(
  { config, rootfs }: Image,
  { args, env = {} }: Start,
  files: readonly object[],
): object {
  const [uid, gid] = config.User.split(":").map(Number);
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid, gid },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...Object.entries(env).map((pair) => pair.join("="))],
      cwd: config.WorkingDir,
      noNewPrivileges: true,
      capabilities: {},
    },
    root: { path: rootfs, readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      ...files,
    ],
    linux: { namespaces: ["pid", "mount", "ipc", "uts"].map((type) => ({ type })) },
  };
}

/** Waits for a 200. */
export async function healthy(url: string): Promise<void> {
  await eventually(() =>
    fetch(url).then(
      async (response) => (await response.text(), response.ok),
      () => false,
    ),
  );
}
