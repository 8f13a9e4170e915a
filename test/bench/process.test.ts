import { expect, test } from "vitest";
import { peakMebibytes, processorSeconds, residentMebibytes } from "../../bench/gateway/process.ts";

test("memory of a process, now and at most, is what it says of itself", async () => {
  const own = process.memoryUsage.rss() / 2 ** 20;
  const now = await residentMebibytes(process.pid);
  expect(now).toBeGreaterThan(own / 2);
  expect(now).toBeLessThan(own * 2);
  expect(await peakMebibytes(process.pid)).toBeGreaterThanOrEqual(now - 1);
});

test("processor time of a process is what it says of itself", async () => {
  const seconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const before = seconds();
  const told = await processorSeconds(process.pid);
  const tick = 0.05; // it is counted in hundredths, of user and system time
  expect(told).toBeGreaterThan(before - tick);
  expect(told).toBeLessThan(seconds() + tick);
});
