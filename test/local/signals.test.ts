import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { onParentGone, stopSignals } from "../../local/signals.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first signal stops, one that comes with it is the same, a later one kills", () => {
  const target = new EventEmitter();
  const { stop, kill } = stopSignals(target);
  expect(stop.aborted).toBe(false);
  target.emit("SIGINT");
  expect(stop.aborted).toBe(true);
  vi.advanceTimersByTime(400);
  target.emit("SIGINT"); // passed on by npm
  expect(kill.aborted).toBe(false);
  vi.advanceTimersByTime(200);
  target.emit("SIGINT");
  expect(kill.aborted).toBe(true);
});

test.each(["SIGTERM", "SIGHUP"])("%s stops as well", (signal) => {
  const target = new EventEmitter();
  const { stop } = stopSignals(target);
  target.emit(signal);
  expect(stop.aborted).toBe(true);
});

test("another parent than at first means that npm has ended", () => {
  let parent = 41;
  const gone = vi.fn();
  onParentGone(() => parent, gone);
  vi.advanceTimersByTime(10_000);
  expect(gone).not.toHaveBeenCalled();
  parent = 1;
  vi.advanceTimersByTime(10_000);
  expect(gone).toHaveBeenCalledOnce();
});
