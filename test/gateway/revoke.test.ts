import { expect, test } from "vitest";
import { createConditioner, type ConditioningType } from "../../common/conditioning/conditioner.ts";
import { FipsMonitor } from "../../common/health/fipsMonitor.ts";
import { EntropyBuffer } from "../../gateway/buffer.ts";
import { Inlet } from "../../gateway/inlet.ts";
import { ManualClock } from "../helpers/manualClock.ts";
import { seededBytes } from "../helpers/seededBytes.ts";

// What an alarm takes back of a source in Direct mode: bit 1 is the one that failed, 2 another.

const next = seededBytes(1);
const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

function makeInlet(type: ConditioningType) {
  const clock = new ManualClock();
  const maxAge = 60_000;
  const buffer = new EntropyBuffer({ capacity: 10_000, maxAge, overflow: "Reject", clock });
  const conditioner = createConditioner({ type, minEntropyMillibitsPerByte: 8_000 });
  const inlet = new Inlet({ monitor: new FipsMonitor(), conditioner, buffer, maxAge, clock });
  return { inlet, buffer, conditioner };
}

test("what a source had a part in is zeroed and counted; the rest stays, in its order", async () => {
  const { inlet, buffer } = makeInlet("None");
  const [own, other, both, later] = [next(100), next(200), next(300), next(50)];
  const kept = Buffer.concat([other, later]);
  await inlet.add(own, { age: 0, sources: 0b01 });
  await inlet.add(other, { age: 0, sources: 0b10 });
  await inlet.add(both, { age: 0, sources: 0b11 });
  await inlet.add(later, { age: 0, sources: 0b10 });
  expect(inlet.revoke(0b01)).toBe(400);
  expect([own, both].every(isZero)).toBe(true);
  expect(buffer.flow.get("alarm")).toBe(400);
  expect(Buffer.concat(buffer.take(250)?.pieces ?? [])).toEqual(kept);
  expect(inlet.revoke(0b01)).toBe(0);
});

test("bytes of a part-drawn chunk that are left are taken back", async () => {
  const { inlet, buffer } = makeInlet("None");
  await inlet.add(next(100), { age: 0, sources: 0b01 });
  buffer.take(40)?.release();
  expect(inlet.revoke(0b01)).toBe(60);
  expect(buffer.available()).toBe(0);
});

test("what the conditioner carries of the source is zeroed, and what it was hashed into", async () => {
  const { inlet, buffer, conditioner } = makeInlet("Hash");
  await inlet.add(next(70), { age: 0, sources: 0b01 }); // two bytes less than a block takes
  await inlet.add(next(30), { age: 0, sources: 0b10 }); // one hash of both, and 28 bytes that are carried
  expect(inlet.revoke(0b01)).toBe(72); // counted as they came in
  expect(conditioner.carriedBytes()).toBe(28);
  expect(inlet.revoke(0b10)).toBe(28);
  expect(conditioner.carriedBytes()).toBe(0);
  expect(buffer.available()).toBe(0);
});
