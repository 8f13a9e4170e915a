import { expect, test } from "vitest";
import { free } from "../../common/memory.ts";

test("memory that a view is all of is given back at once", () => {
  const bytes = Buffer.allocUnsafeSlow(100_000).fill(1);
  free(bytes);
  expect(bytes).toHaveLength(0);
});

test("of memory that others have a part in, only the part is zeroed", () => {
  const whole = Buffer.allocUnsafeSlow(10).fill(1);
  free(whole.subarray(2, 5));
  expect([...whole]).toEqual([1, 1, 0, 0, 0, 1, 1, 1, 1, 1]);
});

test("memory that is shared with threads is zeroed, and stays", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(4)).fill(1);
  free(bytes);
  expect([...bytes]).toEqual([0, 0, 0, 0]);
});
