import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { root } from "../../../images/programs.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { run } from "./command.ts";

/** That of the base image for the build; its cache can only be read by one like it. */
export const npmVersion = "11.19.1";

const store = join(homedir(), ".cache", "qrng-bridge", "images");

/** The path of a file that is kept between runs; `make` puts it into the folder where it is not. */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  await mkdir(store, { recursive: true });
  const path = join(store, name);
  if (!existsSync(path)) await make(store);
  return path;
}

/** A folder with all packages that the lock file names, as npm's cache; filled when that changed. */
export async function fillNpmCache(npmCli: string): Promise<string> {
  const cache = join(store, "npm");
  const stamp = join(store, "npm.lock-sha256");
  const lock = await readFile(join(root, "package-lock.json"));
  const digest = createHash("sha256").update(npmVersion).update(lock).digest("hex");
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === digest) return cache;
  await rm(cache, { recursive: true, force: true });
  await using folder = await makeFolder();
  for (const file of ["package.json", "package-lock.json"])
    await copyFile(join(root, file), folder.at(file));
  await run(process.execPath, [npmCli, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder.path,
    env: { npm_config_cache: cache },
  });
  await writeFile(stamp, digest);
  return cache;
}
