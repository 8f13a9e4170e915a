import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { exposeProcess } from "../../common/processMetrics.ts";

/** Nobody else allocates so much while a test runs. */
const held = 64 * 2 ** 20;

async function read(registry: Registry, name: string): Promise<number> {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return Number(values[0]?.value);
}

test("memory is what the process holds when it is scraped", async () => {
  const registry = new Registry();
  const metrics = exposeProcess(registry);
  const before = await read(registry, "nodejs_external_memory_bytes");
  const buffer = Buffer.alloc(held, 1);
  const { rss, heapTotal } = process.memoryUsage();
  expect(await read(registry, "nodejs_external_memory_bytes")).toBeGreaterThan(before + held / 2);
  expect(await read(registry, "process_resident_memory_bytes")).toBeGreaterThan(rss / 2);
  expect(await read(registry, "process_resident_memory_bytes")).toBeLessThan(rss * 2);
  const used = await read(registry, "nodejs_heap_size_used_bytes");
  expect(used).toBeGreaterThan(2 ** 20);
  expect(used).toBeLessThan(heapTotal * 2);
  expect(buffer.length).toBe(held);
  metrics.stop();
});
