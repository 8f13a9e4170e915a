/** Time as an argument, so that tests can turn it. */
export interface Clock {
  /** The system's idea of the date: nanoseconds since the Unix epoch. May step. */
  wall(): bigint;
  /** Milliseconds from an arbitrary start; never steps. */
  monotonic(): number;
}

export const systemClock: Clock = {
  wall: () => millisecondsToNanoseconds(Date.now()),
  monotonic: () => performance.now(),
};

export function millisecondsToNanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds)) * 1_000_000n;
}

export function nanosecondsToMilliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}
