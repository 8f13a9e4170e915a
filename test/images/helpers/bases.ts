import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
import { cached, npmVersion } from "./npmCache.ts";

/** The packages come from the cache that is mounted at /npm, so that a build needs no network. */
const dockerfile = `FROM scratch
COPY root/ /
ENV PATH=/usr/local/bin:/usr/bin npm_config_cache=/npm npm_config_offline=true
`;

/**
 * Writes the build contexts `runtime` and `build` into a folder, to stand in for the official
 * images without a registry: the npm package's Node and this system's libraries, for `build` with
 * npm. Neither has a shell, so that whatever needs one fails.
 */
export async function writeBases(folder: string): Promise<void> {
  await writeBase(join(folder, "runtime"), []);
  await writeBase(join(folder, "build"), ["/usr/bin/env"]);
  const modules = join(folder, "build/root/usr/local/lib/node_modules");
  await mkdir(modules, { recursive: true });
  await run("tar", ["xzf", await packedNpm(), "-C", modules, "--transform", "s/^package/npm/"]);
  const bin = join(folder, "build/root/usr/local/bin/npm");
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", bin);
}

async function writeBase(folder: string, programs: readonly string[]): Promise<void> {
  const root = join(folder, "root");
  await copy(process.execPath, join(root, "usr/local/bin/node"));
  for (const program of programs) await copy(program, join(root, program));
  for (const library of await libraries([process.execPath, ...programs]))
    await copy(library, join(root, library));
  await mkdir(join(root, "tmp"));
  await chmod(join(root, "tmp"), 0o1777);
  await writeFile(join(folder, "Dockerfile"), dockerfile);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** The shared libraries that programs load, and the loader. */
async function libraries(programs: readonly string[]): Promise<Set<string>> {
  const lines = await run("ldd", programs);
  return new Set([...lines.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => match[1]!));
}

/** npm itself, as its own package. */
async function packedNpm(): Promise<string> {
  return cached(`npm-${npmVersion}.tgz`, async (folder) => {
    await run("npm", ["pack", "--silent", `npm@${npmVersion}`, "--pack-destination", folder]);
  });
}
