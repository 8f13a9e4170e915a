import { ApiError } from "./api.js";

const everyMilliseconds = 1000;
const mostMilliseconds = 30_000;

/**
 * Runs `task` now and once a second, until stopped. While the tab is hidden it runs every
 * `hiddenMilliseconds` (Infinity: not at all); after failures the pauses double, and none is shorter
 * than the answer's Retry-After.
 * @param {(signal: AbortSignal) => Promise<void>} task
 * @param {object} options
 * @param {number} options.hiddenMilliseconds
 * @param {(error: ApiError, pause: number) => void} options.onError with the pause in milliseconds
 * @returns {() => void} stops it, and what is under way
 */
export function repeat(task, { hiddenMilliseconds, onError }) {
  const stopped = new AbortController();
  const { signal } = stopped;
  let failures = 0;
  let notBefore = 0;
  let startedAt = 0;
  let isRunning = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const schedule = () => {
    clearTimeout(timer);
    if (isRunning || signal.aborted) return;
    const pause = document.hidden ? hiddenMilliseconds : everyMilliseconds;
    const wait = Math.max(notBefore, startedAt + pause) - performance.now();
    if (Number.isFinite(wait)) timer = setTimeout(() => void run(), Math.max(0, wait));
  };
  const run = async () => {
    isRunning = true;
    startedAt = performance.now();
    try {
      await task(signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error; // ours: to the console, and no next run
      failures += 1;
      const doubled = Math.min(mostMilliseconds, everyMilliseconds * 2 ** failures);
      const pause = Math.max(error.retryAfter * 1000, doubled);
      notBefore = performance.now() + pause;
      onError(error, pause);
    }
    isRunning = false;
    schedule();
  };

  document.addEventListener("visibilitychange", schedule, { signal });
  if (!document.hidden || Number.isFinite(hiddenMilliseconds)) void run();
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}
