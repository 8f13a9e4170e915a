import { readFile, rm, writeFile } from "node:fs/promises";
import { errorCode } from "../common/errors.ts";
import { LaunchError } from "./errors.ts";

export interface Lock extends AsyncDisposable {
  /** Whether an earlier launcher left without giving it back. */
  readonly takenOver: boolean;
}

/**
 * Keeps a second launcher out of a folder, by a file that names the process.
 * @throws LaunchError when a running process has it
 */
export async function takeLock(path: string, pid = process.pid): Promise<Lock> {
  const takenOver = !(await claim(path, pid));
  if (takenOver) {
    const holder = await readHolder(path);
    if (holder === undefined || isAlive(holder)) throw inUse(path, holder);
    await rm(path, { force: true });
    if (!(await claim(path, pid))) throw inUse(path, undefined); // another one was faster
  }
  return { takenOver, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

async function claim(path: string, pid: number): Promise<boolean> {
  try {
    await writeFile(path, `${pid}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^[1-9]\d{0,9}\n$/.test(text) ? Number(text) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM"; // alive, and another user's
  }
}

function inUse(path: string, pid: number | undefined): LaunchError {
  const holder = pid === undefined ? "another npm start" : `process ${pid}`;
  return new LaunchError(
    `${path}: ${holder} uses this folder: stop it, choose another with --dir, or delete that file if it is not an npm start`,
  );
}
