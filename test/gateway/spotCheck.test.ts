import { expect, test } from "vitest";
import { fipsBlockBytes } from "../../common/health/fips.ts";
import { FipsMonitor } from "../../common/health/fipsMonitor.ts";
import { bytesPerSecond, mostOfChunk, SpotCheck } from "../../gateway/spotCheck.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { seededBytes } from "../helpers/seededBytes.ts";

const next = seededBytes(3);

function checked() {
  const clock = new ManualClock();
  const monitor = new FipsMonitor();
  const check = new SpotCheck(monitor, clock.monotonic);
  return { clock, monitor, check, blocks: () => monitor.report().blocks };
}

test("everything is tested at the rates of quantum hardware, whatever the size of its packets", () => {
  const { clock, check, blocks } = checked();
  let sent = 0;
  for (const size of [1, 999, 65_536, mostOfChunk, 12_345]) {
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      check.update(next(size));
      sent += size;
    }
  }
  expect(blocks()).toBe(Math.floor(sent / fipsBlockBytes));
});

test("of a large packet a part is tested, at another place each time", () => {
  const { clock, monitor, check, blocks } = checked();
  // A dead part of a tenth: some parts hold it, some do not.
  const found = Array.from({ length: 100 }, () => {
    const packet = next(4 * mostOfChunk);
    packet.fill(0, 0, Math.floor(packet.length / 10));
    clock.advance(1_000);
    monitor.restart();
    check.update(packet);
    return monitor.report().failures.monobit > 0;
  });
  expect(blocks()).toBe(100 * Math.floor(mostOfChunk / fipsBlockBytes));
  expect(new Set(found).size).toBe(2);
});

test("more than its share of a core is not spent, and a dead source is found all the same", () => {
  const { clock, monitor, check, blocks } = checked();
  const good = next(65_536);
  for (let second = 0; second < 3; second++) {
    for (let at = 0; at < 2 * bytesPerSecond; at += good.length) check.update(good);
    clock.advance(1_000);
  }
  const most = (4 * bytesPerSecond) / fipsBlockBytes; // what it had saved, and three seconds'
  expect(blocks()).toBeGreaterThan(0.4 * most);
  expect(blocks()).toBeLessThanOrEqual(most);
  expect(monitor.report().alarm).toBeUndefined();

  for (let at = 0; at < 2 * bytesPerSecond; at += good.length) check.update(Buffer.alloc(65_536));
  expect(monitor.report().alarm).toBeDefined();
});

test("what is not tested is left as it is, and nothing of a part is kept", () => {
  const { check, blocks } = checked();
  const packet = next(mostOfChunk + 1);
  const copy = Buffer.from(packet);
  check.update(packet);
  expect(packet.equals(copy)).toBe(true);
  const before = blocks();
  check.update(next(fipsBlockBytes - 1)); // would end a block that the part had begun
  expect(blocks()).toBe(before);
});
