import { createSecretKey, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { startAppliance } from "./helpers/appliance.ts";
import { runCollector, type TestCollector } from "./helpers/running.ts";
import { startScriptedGateway } from "./helpers/scriptedGateway.ts";

// All gateways are away for ten minutes, by the clock, and come back.

const hex = randomBytes(32).toString("hex");
const keys = { "config-bound": createSecretKey(hex, "hex") };
const chunkBytes = 1024; // what the start-up test takes
const bufferChunks = 40;
/** One waits to be mixed. */
const fetchedChunks = bufferChunks + 1;
const seconds = 600;

const lostSeries = (reason: string): string =>
  `qrng_collector_lost_bytes_total{reason="${reason}"}`;

async function value(collector: TestCollector, series: string): Promise<number> {
  const found = (await collector.metrics())[series];
  if (found === undefined) throw new Error(`no series ${series}`);
  return found;
}

async function isAway(max_age: string) {
  const clock = new ManualClock();
  const appliance = await startAppliance();
  const gone = await startScriptedGateway({ keys });
  await gone[Symbol.asyncDispose]();
  const collector = await runCollector(
    {
      appliance_url: appliance.url,
      fetch_chunk_size: chunkBytes,
      fetch_interval: 1,
      buffer_size: bufferChunks * chunkBytes,
      max_age,
      push_url: `http://127.0.0.1:${gone.port}/push`,
      hmac_secret_key: hex,
      push: { packet_size: chunkBytes, packet_age: 0, backoff_min: 10, backoff_max: 10 },
    },
    clock,
  );
  await eventually(async () => (await value(collector, "qrng_collector_paused")) === 1);
  expect(appliance.given.length).toBe(fetchedChunks);
  for (let second = 0; second < seconds; second++) {
    clock.advance(1_000);
    await delay(2);
  }
  const unreachable = 'qrng_collector_pushes_total{outcome="unreachable"}';
  expect(await value(collector, unreachable)).toBeGreaterThan(0);
  return {
    clock,
    appliance,
    collector,
    port: gone.port,
    [Symbol.asyncDispose]: async () => {
      await collector.stop();
      await appliance[Symbol.asyncDispose]();
    },
  };
}

test("what is young enough is delivered in order, and fetching has waited meanwhile", async () => {
  await using away = await isAway("1h");
  const { clock, appliance, collector, port } = away;
  expect(appliance.given.length).toBe(fetchedChunks);
  expect(await value(collector, "qrng_collector_buffer_bytes")).toBe(bufferChunks * chunkBytes);
  expect(await value(collector, "qrng_collector_oldest_byte_age_seconds")).toBe(seconds);
  const before = clock.wall();
  await using gateway = await startScriptedGateway({ keys, port });
  clock.advance(1_000); // so that it connects without waiting
  await eventually(() => gateway.pushes.length > bufferChunks);
  await collector.stop();
  // The very bytes that it held, then those that were fetched since; signed when they were sent.
  const { given } = appliance;
  expect(gateway.pushes.map(({ data }) => data)).toEqual(given.slice(0, gateway.pushes.length));
  expect(given.length - gateway.pushes.length).toBeLessThanOrEqual(1); // a fetch that was cut
  expect(gateway.pushes.every(({ timestamp }) => timestamp >= before)).toBe(true);
});

test("what is too old is dropped, counted and fetched anew; nothing is lost otherwise", async () => {
  await using away = await isAway("5m");
  const { clock, appliance, collector, port } = away;
  await eventually(() => appliance.given.length > fetchedChunks);
  await using gateway = await startScriptedGateway({ keys, port });
  clock.advance(1_000);
  await eventually(() => gateway.pushes.length > bufferChunks);
  const held = gateway.pushes.slice(0, bufferChunks).map(({ data }) => data);
  const metrics = await collector.metrics();
  await collector.stop();
  const expired = metrics[lostSeries("expired")]! / chunkBytes;
  expect(expired).toBeGreaterThanOrEqual(bufferChunks);
  for (const reason of ["unknown", "alarm", "shutdown"]) {
    expect(metrics[lostSeries(reason)]).toBe(0);
  }
  // What was fetched first is what is missing: as many chunks as were counted.
  expect(held).toEqual(appliance.given.slice(expired, expired + bufferChunks));
});
