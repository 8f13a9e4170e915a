import { withKey, writeKeys, type Effort } from "./draws.ts";
import { mebibyte, peakMebibytes } from "./process.ts";
import { startPushed } from "./pushed.ts";
import type { Row } from "./report.ts";
import { Sender } from "./sender.ts";
import type { Bundles } from "./servers.ts";
import { measureSeenSets } from "./seenSets.ts";
import { small } from "./works.ts";
import { wrk } from "./wrk.ts";

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
  return [...rows, ...(await measurePackets(bundles, effort)), ...measureSeenSets()];
}

interface Size {
  readonly keys?: number;
  /** Bytes. */
  readonly buffer?: number;
  readonly connections?: number;
}

/** What a gateway takes of packets of one size, which cost it most by their number. */
async function measurePackets(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const keys = await writeKeys(bundles.folder);
  await using gateway = await startPushed(bundles, { name: "packets", keys });
  using sender = new Sender(gateway.push);
  const rows: Row[] = [];
  for (const bytes of [64, 1_024, 16_384, 262_144]) {
    const name = `packets of ${bytes} B`;
    effort.say(name);
    await sender.measure(bytes, 1);
    const rate = await sender.measure(bytes, effort.seconds);
    rows.push({ name, value: `${Math.round(rate)}/s, ${((rate * bytes) / 1e6).toFixed(1)} MB/s` });
  }
  return rows;
}
