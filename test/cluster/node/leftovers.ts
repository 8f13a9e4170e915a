import { execFile } from "node:child_process";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

/** A process by its number and when it started, since a number is given again. */
const processId = z.object({ pid: z.number(), started: z.string() });
const claimed = z.object({ cgroup: z.string(), owner: processId, machine: processId });

type ProcessId = z.infer<typeof processId>;

/** Records in a machine's folder whose it is. */
export async function claim(
  folder: string,
  { cgroup, pid }: { readonly cgroup: string; readonly pid: number },
): Promise<void> {
  const [owner, machine] = [await identify(process.pid), await identify(pid)];
  const file = join(folder, "machine.json");
  await writeFile(`${file}.new`, JSON.stringify({ cgroup, owner, machine }));
  await rename(`${file}.new`, file); // whoever looks for leftovers meanwhile reads all of it
}

/**
 * Ends the machines whose owner has ended without them, and removes what is left of them. Mostly
 * there are none: it takes a kill of the owner and of the shell that watches over it.
 */
export async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith("qrng-bridge-node-"));
  for (const name of names) {
    const folder = join(tmpdir(), name);
    const text = await readFile(join(folder, "machine.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue; // it is being made, or removed
    const { cgroup, owner, machine } = claimed.parse(JSON.parse(text));
    if (await isAlive(owner)) continue;
    if (await isAlive(machine)) process.kill(machine.pid, "SIGKILL");
    const cleanup = fileURLToPath(new URL("cleanup.sh", import.meta.url));
    await promisify(execFile)("sh", [cleanup, folder, cgroup]);
  }
}

async function isAlive({ pid, started }: ProcessId): Promise<boolean> {
  const now = await identify(pid).catch(() => undefined);
  return now?.started === started;
}

/** By the 22nd field of /proc/PID/stat; the second is in brackets and may have any character. */
async function identify(pid: number): Promise<ProcessId> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid, started: fields[19] ?? "" };
}
