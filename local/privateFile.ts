import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { errorCode } from "../common/errors.ts";

/** Writes a file that only its owner may read, whole or not at all. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const next = `${path}.new`;
  await writeFile(next, text, { mode: 0o600 });
  await rename(next, path);
}

/** Reads such a file, closing it to others if somebody opened it; undefined when it is not there. */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    await chmod(path, 0o600);
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
