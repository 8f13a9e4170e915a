import { execFileSync, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spreadOf } from "./median.ts";
import { loadCore } from "./pin.ts";
import type { Row } from "./report.ts";
import type { Effort } from "./draws.ts";
import type { Bundles } from "./servers.ts";

/** Megabytes a second: six tenths of what the fastest sources promise. */
const aim = 60;

/**
 * The collector alone on its core: from a FIFO, which another process fills as fast as it is read,
 * through all tests and the mixer, to a listener that takes every packet and looks at none.
 */
export async function measurePath(bundles: Bundles, effort: Effort): Promise<Row> {
  effort.say("collector, from a FIFO to the push");
  const fifo = join(bundles.folder, "device");
  execFileSync("mkfifo", ["-m", "600", fifo]);
  const feeder = spawn(
    "taskset",
    [
      "--cpu-list",
      String(loadCore),
      "openssl",
      "enc",
      "-aes-128-ctr",
      "-K",
      "11".repeat(16),
      "-iv",
      "22".repeat(16),
      "-in",
      "/dev/zero",
      "-out",
      fifo,
    ],
    { stdio: "ignore" },
  );
  let taken = 0;
  const listener = createServer((request, response) => {
    request.on("data", (piece: Buffer) => (taken += piece.length));
    request.once("end", () => response.writeHead(200, { "content-length": 0 }).end());
  });
  const listening = Promise.withResolvers<void>();
  listener.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const { port } = listener.address() as AddressInfo;
  const file = join(bundles.folder, "collector.yaml");
  const config = {
    sources: [{ name: "device", type: "File", path: fifo }],
    fetch_chunk_size: 65_536,
    fetch_interval: 0,
    push_url: `http://127.0.0.1:${port}/push`,
    hmac_secret_key: "5a".repeat(32),
    management_address: "127.0.0.1:0",
    shutdown_grace: 0,
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  try {
    await using _ = await bundles.start("collector", ["--config", file]);
    const rates: number[] = [];
    for (let round = 0; round <= effort.rounds; round++) {
      const before = taken;
      const begun = performance.now();
      await delay(effort.seconds * 1_000);
      rates.push((taken - before) / (performance.now() - begun) / 1_000);
    }
    const { median } = spreadOf(rates.slice(1));
    return {
      name: "collector: FIFO, all tests, mixer, signature, push",
      value: `${median.toFixed(0)} MB/s`,
      aim: { text: `≥ ${aim} MB/s`, isMet: median >= aim },
    };
  } finally {
    feeder.kill("SIGKILL");
    listener.closeAllConnections();
    listener.close();
  }
}
