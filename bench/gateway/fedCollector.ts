import { execFileSync, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCore } from "./pin.ts";
import { ringKeyHex } from "./pushed.ts";
import type { Bundles, Server } from "./servers.ts";

let fifos = 0;

/**
 * The collector as users run it, whose source is a FIFO that another process fills as fast as it is
 * read, with a cipher's output.
 * @param chunkBytes of a fetch, and of a packet
 */
export async function startFedCollector(
  { folder, start }: Bundles,
  { chunkBytes, pushUrls }: { chunkBytes: number; pushUrls: readonly string[] },
): Promise<Server> {
  const fifo = join(folder, `fifo-${fifos++}`);
  execFileSync("mkfifo", ["-m", "600", fifo]);
  const cipher = ["-aes-128-ctr", "-K", "11".repeat(16), "-iv", "22".repeat(16)];
  const feeder = spawn(
    "taskset",
    ["--cpu-list", `${loadCore}`, "openssl", "enc", ...cipher, "-in", "/dev/zero", "-out", fifo],
    { stdio: "ignore" },
  );
  const file = `${fifo}.yaml`;
  const config = {
    sources: [{ name: "device", type: "File", path: fifo }],
    fetch_chunk_size: chunkBytes,
    fetch_interval: 0,
    push_urls: pushUrls,
    push: { packet_size: chunkBytes },
    hmac_secret_key: ringKeyHex,
    management_address: "127.0.0.1:0",
    shutdown_grace: 0,
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const dispose = async (): Promise<void> => void feeder.kill("SIGKILL");
  try {
    const collector = await start("collector", ["--config", file]);
    return {
      ...collector,
      [Symbol.asyncDispose]: async () => {
        await collector[Symbol.asyncDispose]();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
