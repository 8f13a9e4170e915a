import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffDelay, Notice, sleep } from "../../common/wait.ts";

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }))
  .map(([min, more]) => ({ min, max: min + more }));
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a pause is at least 0 and below min · 2^attempt and max", () => {
  fc.assert(
    fc.property(fc.nat(10_000), bounds, fraction, (attempt, { min, max }, random) => {
      const pause = backoffDelay(attempt, { min, max }, () => random);
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThan(max);
      expect(pause).toBeLessThan(min * 2 ** Math.min(attempt, 1000));
    }),
  );
});

test("it is jittered over its whole range, whose bound doubles up to max", () => {
  fc.assert(
    fc.property(fc.nat(100), bounds, fraction, (attempt, { min, max }, random) => {
      const bound = backoffDelay(attempt, { min, max }, () => 1);
      expect(bound).toBe(Math.min(max, min * 2 ** attempt));
      expect(backoffDelay(attempt, { min, max }, () => 0)).toBe(0);
      expect(backoffDelay(attempt, { min, max }, () => random)).toBe(random * bound);
    }),
  );
});

test("sleep ends at once when it is aborted, before or within, and never throws", async () => {
  await sleep(86_400_000, AbortSignal.abort());
  const stopping = new AbortController();
  const sleeping = sleep(86_400_000, stopping.signal);
  stopping.abort();
  await sleeping;
});

test("sleep ends by itself, too", async () => {
  await sleep(1, new AbortController().signal);
});

test("a notice wakes all who wait, and no one who waits later", async () => {
  const notice = new Notice();
  const { signal } = new AbortController();
  const woken: number[] = [];
  const waiters = [1, 2, 3].map((id) => notice.wait(signal).then(() => woken.push(id)));
  notice.notify();
  await Promise.all(waiters);
  expect(woken).toEqual([1, 2, 3]);

  const later = notice.wait(signal).then(() => woken.push(4));
  await Promise.resolve();
  expect(woken).toEqual([1, 2, 3]);
  notice.notify();
  await later;
  expect(woken).toEqual([1, 2, 3, 4]);
});

test("a notice before anyone waits is not kept", async () => {
  const notice = new Notice();
  notice.notify();
  const stopping = new AbortController();
  let woken = false;
  const waiting = notice.wait(stopping.signal).then(() => (woken = true));
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect(woken).toBe(false);
  stopping.abort();
  await waiting;
});

test("a wait ends with its time, with its signal, and at once when that is aborted", async () => {
  const notice = new Notice();
  await notice.wait(new AbortController().signal, 1);
  await notice.wait(AbortSignal.abort());
  const stopping = new AbortController();
  const waiting = notice.wait(stopping.signal, 86_400_000);
  stopping.abort();
  await waiting;
});

test("who waits again when woken waits for the next notice", async () => {
  const notice = new Notice();
  const { signal } = new AbortController();
  let rounds = 0;
  const looping = (async () => {
    while (rounds < 3) {
      await notice.wait(signal);
      rounds += 1;
    }
  })();
  for (let round = 1; round <= 3; round++) {
    notice.notify();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(rounds).toBe(round);
  }
  await looping;
});

test("a sleep of no time lets others have their turn", async () => {
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  await sleep(0, new AbortController().signal);
  expect(hadTurn).toBe(true);
});
