import { setTimeout as delay } from "node:timers/promises";
import { withKey, writeKeys, type Effort } from "./draws.ts";
import { mebibyte, peakMebibytes, residentMebibytes } from "./process.ts";
import { bufferBytes, startPushed } from "./pushed.ts";
import type { Row } from "./report.ts";
import { Sender } from "./sender.ts";
import type { Bundles } from "./servers.ts";
import { small } from "./works.ts";
import { wrk } from "./wrk.ts";

/** Beside the buffer, in MiB. */
const allowance = 80;
const packetBytes = 65_536;

/** What a gateway holds at most while it is pushed to and drawn from as fast as it goes. */
export async function measureMemory(
  bundles: Bundles,
  { seconds, say }: Pick<Effort, "seconds" | "say">,
): Promise<Row> {
  say(`memory, for ${seconds} s`);
  const keys = await writeKeys(bundles.folder);
  await using gateway = await startPushed(bundles, { name: "memory", keys });
  using sender = new Sender(gateway.push);
  await sender.measure(packetBytes, 1); // so that there is something to draw
  const [drawn, pushed, halfway] = await Promise.all([
    draw(`http://${gateway.api}${small.path}`, seconds),
    sender.measure(packetBytes, seconds),
    delay((seconds / 2) * 1_000).then(() => residentMebibytes(gateway.pid)),
  ]);
  const peak = await peakMebibytes(gateway.pid);
  const most = bufferBytes / mebibyte + allowance;
  const megabytes = ((pushed * packetBytes) / 1e6).toFixed(0);
  return {
    name: `RSS at full rate for ${seconds} s, buffer of ${bufferBytes / mebibyte} MiB`,
    value: `${peak} MiB at most, ${halfway} MiB halfway; ${Math.round(drawn)} draws/s, ${megabytes} MB/s pushed`,
    aim: { text: `≤ ${most} MiB`, isMet: peak <= most },
  };
}

/** Less than a connection lives: the gateway ends each after a minute, which wrk takes for an error. */
const spellSeconds = 30;

/** @returns draws a second */
async function draw(url: string, seconds: number): Promise<number> {
  let draws = 0;
  for (let left = seconds; left > 0; left -= spellSeconds) {
    const spell = Math.min(left, spellSeconds);
    const load = { url, connections: small.connections, seconds: spell, headers: withKey };
    draws += (await wrk(load)).rate * spell;
  }
  return draws / seconds;
}
