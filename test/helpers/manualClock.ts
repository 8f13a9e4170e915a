import { millisecondsToNanoseconds, type Clock } from "../../common/clock.ts";

/** A clock that stands until it is turned. */
export class ManualClock implements Clock {
  #wall: bigint;
  #monotonic = 1_000;

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = millisecondsToNanoseconds(wall);
  }

  readonly wall = (): bigint => this.#wall;
  readonly monotonic = (): number => this.#monotonic;

  /** Lets time pass. */
  advance(milliseconds: number): void {
    this.#wall += millisecondsToNanoseconds(milliseconds);
    this.#monotonic += milliseconds;
  }

  /** Sets the date, as an administrator would; no time passes. */
  step(milliseconds: number): void {
    this.#wall += millisecondsToNanoseconds(milliseconds);
  }
}
