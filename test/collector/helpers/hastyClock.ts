import { systemClock, type Clock } from "../../../common/clock.ts";

/** A second and more passes between any two looks: nothing that is paced by the clock waits. */
export function hastyClock(): Clock {
  let now = 0;
  return { ...systemClock, monotonic: () => (now += 1_001) };
}
