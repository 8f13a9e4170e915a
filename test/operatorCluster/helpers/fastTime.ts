import { millisecondsToNanoseconds, nanosecondsToMilliseconds } from "../../../common/clock.ts";
import { type Scheduler, systemScheduler } from "../../../common/scheduler.ts";

/** Time that goes so many times as fast as the system's, timers as well. */
export function fastScheduler(factor: number): Scheduler {
  const start = {
    wall: nanosecondsToMilliseconds(systemScheduler.wall()),
    monotonic: systemScheduler.monotonic(),
  };
  const passed = (): number => (systemScheduler.monotonic() - start.monotonic) * factor;
  return {
    wall: () => millisecondsToNanoseconds(start.wall + passed()),
    monotonic: () => start.monotonic + passed(),
    after: (milliseconds, run) => systemScheduler.after(milliseconds / factor, run),
  };
}

/** The system's time, but timers of so many milliseconds or more never end. */
export function withoutWaitsOf(milliseconds: number): Scheduler {
  return {
    ...systemScheduler,
    after: (wait, run) =>
      wait < milliseconds ? systemScheduler.after(wait, run) : () => undefined,
  };
}
