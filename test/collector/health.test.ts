import { createSecretKey, randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { CollectorConfigInput } from "../../collector/config.ts";
import { eventually } from "../helpers/eventually.ts";
import { seededRandom } from "../helpers/seededRandom.ts";
import { runCollector } from "./helpers/running.ts";
import { startScriptedGateway } from "./helpers/scriptedGateway.ts";

const hex = randomBytes(32).toString("hex");
const keys = { "config-bound": createSecretKey(hex, "hex") };
const chunkBytes = 4096;

interface Device extends AsyncDisposable {
  readonly url: string;
  /** All that it gave, in order. */
  given(): Buffer;
}

/** A device over plain http on loopback; each answer is the generator's next. */
async function startDevice(next: (size: number) => Buffer): Promise<Device> {
  const given: Buffer[] = [];
  const server = createServer((_request, response: ServerResponse) => {
    const bytes = next(chunkBytes);
    given.push(Buffer.from(bytes));
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bytes?size={bytes}`,
    given: () => Buffer.concat(given),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Uniform but for one byte that comes with the given probability. */
function biased(probability: number, seed: number): (size: number) => Buffer {
  const random = seededRandom(seed);
  return (size) => {
    const bytes = randomBytes(size);
    for (let at = 0; at < size; at++) if (random() < probability) bytes[at] = 0x42;
    return bytes;
  };
}

function makeInput(
  devices: Readonly<Record<string, Device>>,
  port: number,
  more: Partial<CollectorConfigInput> = {},
): CollectorConfigInput {
  return {
    sources: Object.entries(devices).map(([name, { url }]) => ({
      name,
      type: "HttpBytes",
      url,
      fetch_chunk_size: chunkBytes,
    })),
    fetch_interval: 1,
    push_url: `http://127.0.0.1:${port}/push`,
    hmac_secret_key: hex,
    push: { packet_size: chunkBytes, packet_age: 0, backoff_min: 10, backoff_max: 10 },
    ...more,
  };
}

// entropy.md: mean bytes of windows to an alarm at e = 40, by the likeliest byte's probability.
// Sixteen times the mean is passed by less than one good test in a million.
test.each([
  [0.05, 11_000],
  [0.1, 5_100],
  [0.25, 2_000],
])(
  "likeliest byte %d: quarantined, and no byte of the failing chunk is pushed",
  async (bias, mean) => {
    await using device = await startDevice(biased(bias, 7));
    await using gateway = await startScriptedGateway({ keys });
    await using collector = await runCollector(makeInput({ lab: device }, gateway.port));
    const line = await eventually(() =>
      collector.captured.lines().find(({ message }) => String(message).startsWith("source failed")),
    );
    expect(line).toMatchObject({ level: "error", source: "lab", test: "adaptive proportion" });
    const given = device.given();
    expect(given.length).toBeLessThan(16 * mean + chunkBytes);
    const metrics = await collector.metrics();
    expect(metrics['qrng_source_quarantined{source="lab"}']).toBe(1);
    expect(metrics['qrng_source_alarms_total{source="lab",test="adaptive proportion"}']).toBe(1);
    // 0.25 may be enough for the permanent tier at once.
    expect((await collector.ready()).body).toMatch(
      /lab \((quarantined|failed): adaptive proportion\)/,
    );
    await collector.stop();
    const pushed = Buffer.from(gateway.pushes.map(({ data }) => data).join(""), "hex");
    expect(pushed.equals(given.subarray(0, pushed.length))).toBe(true);
    expect(pushed.length).toBeLessThanOrEqual(given.length - chunkBytes);
    // What had not gone when the alarm came was zeroed, and is accounted for.
    const lost = metrics['qrng_collector_lost_bytes_total{reason="alarm"}'] ?? Number.NaN;
    expect(Number(line["goneBytes"])).toBe(given.length - chunkBytes - lost);
    expect(metrics['qrng_source_gone_bytes_total{source="lab"}']).toBe(line["goneBytes"]);
  },
);

test("the other sources go on while one is quarantined", async () => {
  await using good = await startDevice(randomBytes);
  await using stuck = await startDevice((size) => randomBytes(size).fill(9, 100, 120));
  await using gateway = await startScriptedGateway({ keys });
  const input = makeInput({ good, stuck }, gateway.port);
  await using collector = await runCollector(input);
  await eventually(async () => {
    const metrics = await collector.metrics();
    return metrics['qrng_source_failed{source="stuck"}'] === 1;
  });
  const before = gateway.pushes.length;
  await eventually(() => gateway.pushes.length > before + 5);
  const { status, body } = await collector.ready();
  expect(status).toBe(200);
  expect(body).toBe("ready, without stuck (failed: repetition count)\n");
  const pushed = gateway.pushes.map(({ data }) => data).join("");
  expect(pushed).not.toContain("09".repeat(20));
});

test("a mix by XOR stands still without its partner, and names it", async () => {
  await using good = await startDevice(randomBytes);
  await using stuck = await startDevice((size) => randomBytes(size).fill(9, 100, 120));
  await using gateway = await startScriptedGateway({ keys });
  const input = makeInput({ good, stuck }, gateway.port, { mixing: { strategy: "Xor" } });
  await using collector = await runCollector(input);
  await eventually(async () => (await collector.ready()).body.includes("stuck (failed"));
  const metrics = await collector.metrics();
  expect(metrics['qrng_source_waited_for{source="stuck"}']).toBe(1);
  expect(metrics['qrng_source_waited_for{source="good"}']).toBe(0);
  expect(gateway.pushes).toEqual([]);
  // The good source is asked for what the mix could use, no more.
  expect(good.given().length).toBeLessThanOrEqual(2 * chunkBytes);
});

test("a mix by hash gives 64 bytes for each 73 of both sources", async () => {
  await using one = await startDevice(randomBytes);
  await using two = await startDevice(randomBytes);
  await using gateway = await startScriptedGateway({ keys });
  const input = makeInput({ one, two }, gateway.port, { mixing: { strategy: "Hash" } });
  await using collector = await runCollector(input);
  await eventually(() => gateway.pushes.length >= 10);
  await collector.stop();
  const bytes = gateway.pushes.reduce((sum, { data }) => sum + data.length / 2, 0);
  const used = Math.min(one.given().length, two.given().length);
  expect(bytes).toBeLessThanOrEqual(Math.floor(used / 73) * 64);
});
