import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { makeFolder } from "../../helpers/folder.ts";
import { writeBases } from "./bases.ts";
import { run } from "./command.ts";
import { fillNpmCache } from "./npmCache.ts";

const inspected = z.object({
  FromImageID: z.string(),
  FromImageDigest: z.string(),
  OCIv1: z.object({
    created: z.string(),
    config: z.object({
      User: z.string(),
      Env: z.array(z.string()),
      Entrypoint: z.array(z.string()),
      Cmd: z.array(z.string()).nullish(),
      WorkingDir: z.string(),
      Labels: z.record(z.string(), z.string()),
      ExposedPorts: z.record(z.string(), z.unknown()),
    }),
  }),
});

export interface Image {
  /** The SHA-256 of its config, which holds those of its layers. */
  readonly id: string;
  /** That of its manifest. */
  readonly digest: string;
  readonly created: string;
  readonly config: z.infer<typeof inspected>["OCIv1"]["config"];
  /** Where its root file system is mounted. */
  readonly rootfs: string;
}

export interface Builder extends AsyncDisposable {
  /** @param context the repository, or a copy @param seconds the images' time, since 1970 */
  build(program: string, context: string, seconds: number): Promise<Image>;
  /** One without a base, from a folder with its Dockerfile. */
  buildFolder(tag: string, folder: string): Promise<void>;
  /** Writes an image as an archive that container runtimes import, under its tag. */
  save(tag: string, file: string): Promise<void>;
}

/** The tag of a program's image. */
export function imageTag(program: string): string {
  return `localhost/qrng-bridge-${program}:test`;
}

/** buildah with a store of its own that holds the base images; all goes away with it. */
export async function createBuilder(): Promise<Builder> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await makeFolder());
  const stores = ["--root", folder.at("store"), "--runroot", folder.at("run")];
  // The layers of vfs are whole copies: minutes more. It is for where overlay cannot be mounted.
  const driver = ["--storage-driver", process.env["STORAGE_DRIVER"] ?? "overlay"];
  const buildah = (...args: string[]) => run("buildah", [...stores, ...driver, ...args]);
  const buildImage = (seconds: number, ...args: string[]) => {
    const same = ["--timestamp", String(seconds), "--identity-label=false"];
    return buildah("build", "--isolation", "chroot", "--layers", "--quiet", ...same, ...args);
  };
  await writeBases(folder.path);
  const npm = folder.at("build/root/usr/local/lib/node_modules/npm/bin/npm-cli.js");
  const cache = await fillNpmCache(npm);
  for (const base of ["build", "runtime"])
    await buildImage(0, "--tag", `localhost/${base}`, folder.at(base));
  cleanup.defer(async () => {
    await buildah("rm", "--all"); // and its mounts
  });
  const kept = cleanup.move();
  return {
    build: async (program, context, seconds) => {
      const tag = imageTag(program);
      const bases = ["BUILD_IMAGE=localhost/build", "BASE_IMAGE=localhost/runtime"];
      const args = bases.flatMap((base) => ["--build-arg", base]);
      const file = join(context, program, "Dockerfile");
      args.push("--volume", `${cache}:/npm`, "--file", file, "--tag", tag, context);
      await buildImage(seconds, ...args);
      const found = inspected.parse(JSON.parse(await buildah("inspect", "--type", "image", tag)));
      const container = (await buildah("from", tag)).trim();
      const rootfs = (await buildah("mount", container)).trim();
      const { created, config } = found.OCIv1;
      return { id: found.FromImageID, digest: found.FromImageDigest, created, config, rootfs };
    },
    buildFolder: async (tag, folder) => {
      await buildImage(0, "--tag", tag, folder);
    },
    save: async (tag, file) => {
      await buildah("push", "--quiet", tag, `docker-archive:${file}:${tag}`);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A file of an image. */
export function readImageFile(image: Image, path: string): Promise<string> {
  return readFile(join(image.rootfs, path), "utf8");
}
