/** A terminal's Ctrl-C reaches us twice under npm: from the terminal, and passed on by npm. */
const echoMilliseconds = 500;
const parentCheckMilliseconds = 250;

export interface Stops {
  /** Aborts when the launch is to stop in order. */
  readonly stop: AbortSignal;
  /** Aborts when it is to end at once. */
  readonly kill: AbortSignal;
}

/** The first signal stops the launch, another one ends it at once. */
export function stopSignals(target: NodeJS.EventEmitter): Stops & { request: () => void } {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstAt = 0;
  const request = (): void => {
    if (!stop.signal.aborted) {
      firstAt = performance.now();
      stop.abort();
    } else if (performance.now() - firstAt > echoMilliseconds) kill.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) target.on(signal, request);
  return { stop: stop.signal, kill: kill.signal, request };
}

/**
 * npm runs scripts in a shell. A signal to npm alone ends npm and that shell without a word to us,
 * so the launch has to notice that its parent is gone.
 */
export function onParentGone(parent: () => number, gone: () => void): void {
  const first = parent();
  const timer = setInterval(() => {
    if (parent() === first) return;
    clearInterval(timer);
    gone();
  }, parentCheckMilliseconds).unref();
}
