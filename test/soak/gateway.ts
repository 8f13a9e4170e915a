import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { GatewayConfigInput } from "../../gateway/config.ts";
import { BlockCipher, blockBytes } from "../endToEnd/helpers/blockCipher.ts";
import { launch, type Metrics, type Program, valueOf } from "../endToEnd/helpers/program.ts";
import { apiKey, ringKeyHex } from "../gateway/helpers/gateway.ts";
import { makeFolder } from "../helpers/folder.ts";
import { drain, drawAll, Tallies } from "./client.ts";
import { Ledger } from "./ledger.ts";
import { judgeMemory, mebibytes, sampleMemory, type MemorySample } from "./memory.ts";
import type { SoakOptions, SoakResult } from "./part.ts";
import { pushAll } from "./pusher.ts";

const clients = 32;
const sampleMilliseconds = 1_000;
/** Samples for each line of progress. */
const samplesPerLine = 10;

const config = {
  listen_address: "127.0.0.1:0",
  management_address: "127.0.0.1:0",
  api_keys: [{ name: "soak", key: apiKey }],
  hmac_secret_key: ringKeyHex,
  buffer_size: "8MiB",
  rate_limit: { requests_per_second: 1_000_000, burst: 1_000_000, bytes_per_second: "1024GiB" },
  push: { listen_address: "127.0.0.1:0", window: { future: 0 } },
} satisfies GatewayConfigInput;

/** The gateway: a collector pushes all that it takes, and clients draw in every way all they get. */
export async function soakGateway({ milliseconds, say }: SoakOptions): Promise<SoakResult> {
  await using folder = await makeFolder();
  await using gateway = await launch("gateway", config, { folder });
  const cipher = new BlockCipher();
  const ledger = new Ledger();
  const tallies = new Tallies();
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const onBytes = (bytes: Buffer): void => {
    for (const block of cipher.numbersOf(bytes)) ledger.add(block);
  };
  const options = { url: `http://${gateway.address("api")}`, agent, tallies, onBytes };

  const stop = new AbortController();
  const audience = gateway.address("push");
  const onWrong = (problem: string): void => tallies.note(problem);
  const pushing = pushAll({ audience, cipher, onWrong }, stop.signal);
  const drawing = Array.from({ length: clients }, (_, client) =>
    drawAll(options, client, stop.signal),
  );
  const samples = await watch(gateway, { milliseconds, say, tallies });
  stop.abort();
  const blocks = await pushing;
  await Promise.all(drawing);
  const seconds = samples.at(-1)?.seconds ?? 0;
  const rates = { answers: tallies.answers / seconds, bytes: tallies.bytes / seconds };
  await drain(options);
  agent.destroy();
  const memory = judgeMemory(samples);
  const metrics = await gateway.metrics();
  return {
    rows: [
      ["answers", `${tallies.answers}, ${rates.answers.toFixed(0)} a second`],
      ["bytes served", `${mebibytes(tallies.bytes)}, ${mebibytes(rates.bytes)} a second`],
      ["answers without bytes", `${tallies.dry}`],
      ["connections that ended first", `${tallies.retired}`],
      ["resident memory", memory.resident.map(mebibytes).join(" → ")],
      ["in use", memory.used.map(mebibytes).join(" → ")],
      ["slope", `${mebibytes(memory.slope)} a minute`],
    ],
    problems: [
      ...(memory.isFlat ? [] : ["memory is not flat"]),
      ...[...tallies.wrong].map(([problem, count]) => `${problem} (${count} times)`),
      ...account(metrics, { blocks, ledger, drawn: tallies.bytes }),
      ...(gateway.output().includes('"level":"error"') ? ["the gateway logged an error"] : []),
    ],
  };
}

/** Samples memory, and writes a line now and then, for so many milliseconds. */
async function watch(
  gateway: Program,
  { milliseconds, say, tallies }: SoakOptions & { readonly tallies: Tallies },
): Promise<MemorySample[]> {
  const startedAt = performance.now();
  const samples: MemorySample[] = [];
  let before = 0;
  while (performance.now() - startedAt < milliseconds) {
    await delay(sampleMilliseconds);
    const seconds = (performance.now() - startedAt) / 1000;
    const sample = sampleMemory(await gateway.metrics(), seconds, "qrng_gateway_buffer_bytes");
    samples.push(sample);
    if (samples.length % samplesPerLine !== 0) continue;
    const rate = (tallies.answers - before) / (samplesPerLine * (sampleMilliseconds / 1000));
    before = tallies.answers;
    const memory = `${mebibytes(sample.resident)} resident, ${mebibytes(sample.used)} in use`;
    say(`${seconds.toFixed(0)} s  ${rate.toFixed(0)} answers/s  ${memory}`);
  }
  return samples;
}

interface Traffic {
  /** Blocks that were taken. */
  readonly blocks: number;
  readonly ledger: Ledger;
  /** Bytes that clients got. */
  readonly drawn: number;
}

/** Every block that was taken came out once, and the gateway counted it so. */
function account(metrics: Metrics, { blocks, ledger, drawn }: Traffic): string[] {
  const flow = (name: string): number =>
    valueOf(metrics, `qrng_gateway_bytes_total{flow="${name}"}`);
  const pushed = blocks * blockBytes;
  const figures: Record<string, [wanted: number, found: number]> = {
    "bytes that the gateway received": [pushed, flow("received")],
    "bytes that it served": [pushed, flow("served")],
    "bytes that clients got": [pushed, drawn],
    "bytes left, expired or discarded": [
      0,
      valueOf(metrics, "qrng_gateway_buffer_bytes") + flow("expired") + flow("discarded"),
    ],
    "blocks that came twice": [0, ledger.repeated()],
  };
  const wrong = Object.entries(figures)
    .filter(([, [wanted, found]]) => wanted !== found)
    .map(([what, [wanted, found]]) => `${what}: ${found}, not ${wanted}`);
  return ledger.isWhole(blocks) ? wrong : [...wrong, "blocks are missing"];
}
