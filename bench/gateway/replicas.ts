import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../test/helpers/eventually.ts";
import { withKey, writeKeys, type Effort } from "./draws.ts";
import { startFedCollector } from "./fedCollector.ts";
import { startPushed, type PushedGateway } from "./pushed.ts";
import type { Row } from "./report.ts";
import type { Bundles } from "./servers.ts";
import { small } from "./works.ts";
import { wrk } from "./wrk.ts";

const chunkBytes = 65_536;

/**
 * One collector and more and more gateways, all drawn from: what they carry together. The programs
 * share one core, so this tells what more replicas cost, not what more cores give.
 */
export async function measureReplicas(bundles: Bundles, effort: Effort): Promise<Row[]> {
  const keys = await writeKeys(bundles.folder);
  const rows: Row[] = [];
  for (const count of [1, 2, 4]) {
    const name = `gateways of one collector: ${count}`;
    effort.say(name);
    await using started = new AsyncDisposableStack();
    const gateways: PushedGateway[] = [];
    while (gateways.length < count) {
      const gateway = await startPushed(bundles, { name: `replica-${gateways.length}`, keys });
      gateways.push(started.use(gateway));
    }
    const pushUrls = gateways.map(({ push }) => `http://${push}/push`);
    started.use(await startFedCollector(bundles, { chunkBytes, pushUrls }));
    const accepted = (): Promise<number[]> => Promise.all(gateways.map(acceptedBytes));
    await eventually(async () => (await accepted()).every((bytes) => bytes > 2 ** 20), 60_000);
    await delay(1_000); // warm
    const before = await accepted();
    const begun = performance.now();
    const draws = gateways.map(({ api }) =>
      wrk({
        url: `http://${api}${small.path}`,
        connections: small.connections / count,
        seconds: effort.seconds,
        headers: withKey,
      }),
    );
    const rate = (await Promise.all(draws)).reduce((sum, drawn) => sum + drawn.rate, 0);
    const seconds = (performance.now() - begun) / 1_000;
    const pushed = (await accepted()).map((bytes, index) => (bytes - before[index]!) / seconds);
    const megabytes = pushed.reduce((sum, bytes) => sum + bytes, 0) / 1e6;
    const shares = pushed.map((bytes) => (bytes / 1e6 / megabytes) * 100);
    rows.push({
      name,
      value: `${Math.round(rate)} draws/s, ${megabytes.toFixed(0)} MB/s pushed, shares of ${shares.map((share) => share.toFixed(0)).join(", ")} %`,
    });
  }
  return rows;
}

async function acceptedBytes({ management }: PushedGateway): Promise<number> {
  const metrics = await (await fetch(`http://${management}/metrics`)).text();
  return Number(/^qrng_gateway_accepted_bytes_total (\S+)$/m.exec(metrics)?.[1]);
}
