import { isOpen, type Outcome, type Report } from "../../common/probe/report.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";

/** The last outcome, and for how many whole seconds attempts have come to it without a break. */
export type Held = Report["results"][number];

export interface WatchOptions {
  readonly attempt: () => Promise<Outcome>;
  readonly seconds: number;
  /** Whether to end with the first attempt that gets through. */
  readonly untilOpen: boolean;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/** Milliseconds between two attempts. */
const between = 500;

/** Tries again and again, at least once. */
export async function watch(options: WatchOptions): Promise<Held> {
  const { attempt, seconds, untilOpen, scheduler, signal } = options;
  const end = scheduler.monotonic() + seconds * 1_000;
  let since = scheduler.monotonic();
  let last: Outcome | undefined;
  for (;;) {
    const begun = scheduler.monotonic();
    const outcome = await attempt();
    if (last === undefined || !isSame(last, outcome)) since = begun;
    last = outcome;
    const now = scheduler.monotonic();
    if (now >= end || signal.aborted || (untilOpen && isOpen(outcome))) {
      return [outcome, Math.floor((now - since) / 1_000)];
    }
    await pause(scheduler, between, signal);
  }
}

function isSame(one: Outcome, other: Outcome): boolean {
  return one === other || (isOpen(one) && isOpen(other));
}
