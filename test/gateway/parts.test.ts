import { expect, test } from "vitest";
import { BoundedMap } from "../../gateway/limit/boundedMap.ts";
import { addressGroup } from "../../gateway/limit/failureLimit.ts";
import { Meter } from "../../gateway/meter.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::1", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
])("address %s counts as %s", (address, group) => expect(addressGroup(address)).toBe(group));

test("a bounded map forgets what was set longest ago", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3).set("c", 4);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
});

test("the meter counts the ten whole seconds before this one", () => {
  let now = 500;
  const meter = new Meter(() => now);
  for (let count = 0; count < 20; count++) meter.add(1);
  expect(meter.perSecond()).toBe(0);
  now = 1_500;
  meter.add(1);
  expect(meter.perSecond()).toBe(2);
  now = 10_999;
  expect(meter.perSecond()).toBe(2.1);
  now = 11_000;
  expect(meter.perSecond()).toBe(0.1);
  now = 1_000_000;
  expect([meter.perSecond(), meter.total()]).toEqual([0, 21]);
});
