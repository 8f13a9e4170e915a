import { setImmediate as turn } from "node:timers/promises";
import type { Scheduler } from "../../common/scheduler.ts";
import { ManualClock } from "./manualClock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Time that stands until it is turned; then what is due runs in order, each at its time. */
export class ManualScheduler extends ManualClock implements Scheduler {
  readonly #timers = new Set<Timer>();

  readonly after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { at: this.monotonic() + Math.max(0, milliseconds), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Milliseconds until each of them is due. */
  dues(): number[] {
    return [...this.#timers].map(({ at }) => at - this.monotonic());
  }

  latestDue(): number {
    return Math.max(0, ...this.dues());
  }

  /** Lets time pass, and what that sets off run as far as it needs nothing else. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.monotonic() + milliseconds;
    for (;;) {
      await turn();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.advance(Math.max(0, next.at - this.monotonic())); // it may be overdue
      this.#timers.delete(next);
      next.run();
    }
    this.advance(end - this.monotonic());
    await turn();
  }
}
