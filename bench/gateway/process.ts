import { readFile } from "node:fs/promises";

export const mebibyte = 2 ** 20;

/** The most memory that a process has held, in MiB. */
export function peakMebibytes(pid: number | undefined): Promise<number> {
  return field(pid, "VmHWM");
}

/** What it holds now, in MiB. */
export function residentMebibytes(pid: number | undefined): Promise<number> {
  return field(pid, "VmRSS");
}

async function field(pid: number | undefined, name: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024);
}

const ticksPerSecond = 100; // of every Linux: USER_HZ

/** Seconds of a processor that a process has used, its own and the kernel's for it. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name may hold blanks
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond; // utime and stime: proc(5)
}
