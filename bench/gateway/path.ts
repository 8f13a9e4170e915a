import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Effort } from "./draws.ts";
import { startFedCollector } from "./fedCollector.ts";
import { spreadOf } from "./median.ts";
import { processorSeconds } from "./process.ts";
import type { Row } from "./report.ts";
import type { Bundles } from "./servers.ts";

/** Megabytes a second: six tenths of what the fastest sources promise. */
const aim = 60;
/** The default, and what one sets for a source this fast. */
const chunkSizes = [65_536, 262_144];

/**
 * The collector alone on its core: from a FIFO, through all tests and the mixer, to a listener that
 * takes every packet and looks at none. That and the FIFO's writer share the other core.
 */
export async function measurePath(bundles: Bundles, effort: Effort): Promise<Row[]> {
  let taken = 0;
  const listener = createServer((request, response) => {
    request.on("data", (piece: Buffer) => (taken += piece.length));
    request.once("end", () => response.writeHead(200, { "content-length": 0 }).end());
  });
  const listening = Promise.withResolvers<void>();
  listener.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const { port } = listener.address() as AddressInfo;
  const pushUrls = [`http://127.0.0.1:${port}/push`];
  const rows: Row[] = [];
  try {
    for (const chunkBytes of chunkSizes) {
      const name = `collector: FIFO, all tests, mixer, signature, push of ${chunkBytes / 1_024} KiB`;
      effort.say(name);
      await using collector = await startFedCollector(bundles, { chunkBytes, pushUrls });
      const rates: number[] = [];
      const costs: number[] = [];
      for (let round = 0; round <= effort.rounds; round++) {
        const [before, spent] = [taken, await processorSeconds(collector.child.process.pid!)];
        const begun = performance.now();
        await delay(effort.seconds * 1_000);
        const megabytes = (taken - before) / 1e6;
        rates.push((megabytes / (performance.now() - begun)) * 1_000);
        costs.push(((await processorSeconds(collector.child.process.pid!)) - spent) / megabytes);
      }
      const { median } = spreadOf(rates.slice(1));
      const cost = spreadOf(costs.slice(1)).median * 1_000;
      rows.push({
        name,
        value: `${median.toFixed(0)} MB/s, ${cost.toFixed(1)} ms of its core a MB`,
        aim: { text: `≥ ${aim} MB/s`, isMet: median >= aim },
      });
    }
    return rows;
  } finally {
    listener.closeAllConnections();
    listener.close();
  }
}
