import { readFile } from "node:fs/promises";
import { withKey, writeKeys, type Effort } from "./draws.ts";
import type { Row } from "./report.ts";
import type { Bundles } from "./servers.ts";
import { measureSeenSets } from "./seenSets.ts";
import { small } from "./works.ts";
import { wrk } from "./wrk.ts";

const mebibyte = 2 ** 20;

/** What small draws cost as one thing grows and the others stay. */
export async function measureGrowth(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  const measure = async (
    name: string,
    { keys = 1, buffer = 16 * mebibyte, connections = 32 }: Size,
  ): Promise<void> => {
    effort.say(name);
    const file = await writeKeys(bundles.folder, keys);
    await using subject = await bundles.start("subject", [file, String(buffer)]);
    const load = { url: subject.url + small.path, connections, headers: withKey };
    await wrk({ ...load, seconds: 1 });
    const { rate, p50, p99 } = await wrk({ ...load, seconds: effort.seconds });
    const peak = await peakMebibytes(subject.child.process.pid);
    const value = `${Math.round(rate)}/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${peak} MiB`;
    rows.push({ name, value });
  };
  for (const size of [1, 16, 256, 1_024]) {
    await measure(`buffer of ${size} MiB`, { buffer: size * mebibyte });
  }
  for (const keys of [1, 1_000, 100_000, 1_000_000]) await measure(`${keys} keys`, { keys });
  for (const connections of [1, 32, 1_000, 10_000]) {
    await measure(`${connections} connections`, { connections });
  }
  return [...rows, ...measureSeenSets()];
}

interface Size {
  readonly keys?: number;
  /** Bytes. */
  readonly buffer?: number;
  readonly connections?: number;
}

async function peakMebibytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
}
