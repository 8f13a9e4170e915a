import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until `probe` answers something other than undefined or false, and gives that. It rests for
 * as long as the probe took: one that starts a program leaves time to what it waits for.
 * @throws when it has not within `milliseconds`, which is a bound for a broken program, no measure
 */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = 60_000,
): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const began = performance.now();
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end)
      throw new Error(`not within ${milliseconds} ms: ${probe.toString()}`);
    await delay(Math.max(5, performance.now() - began));
  }
}
