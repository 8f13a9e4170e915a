/** So much at once, and more with time. */
export interface Limit {
  /**
   * Takes `units`, all or none.
   * @param now monotonic milliseconds
   * @returns 0 when taken, else the milliseconds until they would be there (Infinity: never); a
   * promise of it only where other replicas have a say
   */
  take(units: number, now: number): number | Promise<number>;
  /** Gives back what was taken and then not used. */
  give(units: number, now: number): void;
  /** Whole units that are left, as far as is known without asking anybody. */
  left(now: number): number;
  /** Whole seconds within which no more than those can be taken; at least 1. */
  secondsToMore(): number;
}

/** A limit that this process counts alone. */
export interface LocalLimit extends Limit {
  take(units: number, now: number): number;
}

/** Goes on at once with a value that is there already: without Redis no request waits a turn. */
export function after<T, R>(
  value: T | Promise<T>,
  next: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
