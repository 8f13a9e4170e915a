import fc from "fast-check";
import { expect, test } from "vitest";
import { inSlices } from "../../../common/health/slices.ts";

const forever = new AbortController().signal;

/** Counts the bytes that are used without a turn of the event loop. */
function turnWatch() {
  let used = 0;
  let most = 0;
  let immediate = setImmediate(function turn() {
    used = 0;
    immediate = setImmediate(turn);
  });
  return {
    use: (slice: Uint8Array) => {
      used += slice.length;
      most = Math.max(most, used);
    },
    most: () => most,
    stop: () => clearImmediate(immediate),
  };
}

test.each([
  ["one big piece", [1_000_001]],
  ["many small pieces", Array.from({ length: 2_000 }, () => 700)],
  ["pieces of a slice", [65_536, 65_536, 65_536]],
])("others get their turn between any two slices: %s", async (_name, sizes) => {
  const watch = turnWatch();
  await inSlices(
    sizes.map((size) => new Uint8Array(size)),
    watch.use,
    forever,
  );
  watch.stop();
  expect(watch.most()).toBe(65_536);
});

test("hands over every byte once, in order", async () => {
  const anySizes = fc.array(fc.oneof(fc.nat(10), fc.nat(200_000)), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(anySizes, async (sizes) => {
      const whole = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
      let at = 0;
      const pieces = sizes.map((size) => whole.subarray(at, (at += size)));
      let next = 0;
      await inSlices(
        pieces,
        (slice) => {
          expect(slice.byteOffset).toBe(next);
          next += slice.length;
        },
        forever,
      );
      expect(next).toBe(whole.length);
    }),
    { numRuns: 50 },
  );
});

test("ends with the signal's reason once it is aborted", async () => {
  const reason = new Error("the client has gone");
  const controller = new AbortController();
  let used = 0;
  const use = (slice: Uint8Array): void => {
    used += slice.length;
    controller.abort(reason);
  };
  const pieces = [new Uint8Array(1_000_000)];
  await expect(inSlices(pieces, use, controller.signal)).rejects.toBe(reason);
  expect(used).toBe(65_536);
  await expect(inSlices(pieces, use, controller.signal)).rejects.toBe(reason);
  expect(used).toBe(65_536);
});
