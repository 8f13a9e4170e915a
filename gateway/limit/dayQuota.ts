import { nanosecondsToMilliseconds, type Clock } from "../../common/clock.ts";
import type { LocalLimit } from "./limit.ts";

const dayMilliseconds = 86_400_000;

/** So many units in each UTC day, by a clock that may be set. */
export class DayQuota implements LocalLimit {
  #quota: number;
  #used = 0;
  #day: number;
  readonly #clock: Clock;

  constructor(quota: number, clock: Clock) {
    this.#quota = quota;
    this.#clock = clock;
    this.#day = Math.floor(this.#wall() / dayMilliseconds);
  }

  take(units: number): number {
    const rest = this.#untilMidnight(); // also begins a new day
    if (this.#used + units > this.#quota) return rest;
    this.#used += units;
    return 0;
  }

  give(units: number): void {
    this.day();
    this.#used = Math.max(0, this.#used - units);
  }

  left(): number {
    this.day();
    return Math.max(0, this.#quota - this.#used);
  }

  secondsToMore(): number {
    return Math.ceil(this.#untilMidnight() / 1000);
  }

  /** Another quota from now on; what was used up stays used. */
  change(quota: number): void {
    this.#quota = quota;
  }

  /** Days since 1970 in UTC. Setting the clock back frees nothing. */
  day(): number {
    const day = Math.floor(this.#wall() / dayMilliseconds);
    if (day > this.#day) this.#used = 0;
    this.#day = day;
    return day;
  }

  #untilMidnight(): number {
    return (this.day() + 1) * dayMilliseconds - this.#wall();
  }

  #wall(): number {
    return nanosecondsToMilliseconds(this.#clock.wall());
  }
}
