import { expect, test } from "vitest";
import { SharedValues } from "../../operator/sharedValues.ts";

test("a key has one value while there is room for it, and an equal one after", () => {
  const shared = new SharedValues<object>(2);
  const make = (key: string) => shared.of(key, () => ({ key }));
  const first = make("a");
  expect(make("a")).toBe(first);
  expect(make("b")).not.toBe(first);
  expect(make("a")).toBe(first);
  make("c");
  expect(make("a")).toEqual(first);
  expect(make("a")).not.toBe(first);
});
