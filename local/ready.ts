import { sleep } from "../common/wait.ts";

const pollMilliseconds = 50;

/**
 * Whether a gateway is ready, which it is at its first random bytes; looks until it is, or until
 * `signal` aborts.
 * @param management `http://127.0.0.1:9464`
 */
export async function untilReady(management: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const { status, body } = await fetch(`${management}/readyz`, { signal });
      await body?.cancel();
      if (status === 200) return true;
    } catch {
      // not reachable right now: a gateway that has ended is told by its process
    }
    await sleep(pollMilliseconds, signal);
  }
  return false;
}
