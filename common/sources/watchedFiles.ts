import type { Logger } from "../log/logger.ts";
import { reloaded } from "../reload.ts";
import { Notice } from "../wait.ts";

/** Files that a source's settings come from. */
export interface WatchedFiles {
  readonly paths: readonly string[];
  /** How often their content was read anew. */
  revision(): number;
  /** Resolves when the revision is above `since`, or when `signal` aborts. */
  untilAfter(since: number, signal: AbortSignal): Promise<void>;
}

/** What files say, now. */
export interface Watched<T> {
  current(): T;
  /** Undefined when no file was named: then nothing changes. */
  readonly files: WatchedFiles | undefined;
  stop(): void;
}

/**
 * Settings from files, read anew when one of them changes.
 * @throws what `load` throws, the first time; later a content that is wrong is logged and not taken
 */
export async function watchFiles<T>(options: {
  readonly what: string;
  readonly paths: readonly string[];
  readonly load: () => Promise<T>;
  readonly log: Logger;
  /** Milliseconds between looks. */
  readonly interval?: number;
}): Promise<Watched<T>> {
  const { paths, ...rest } = options;
  if (paths.length === 0) {
    const value = await options.load();
    return { current: () => value, files: undefined, stop: () => undefined };
  }
  const changed = new Notice();
  let revision = 0;
  const value = await reloaded({
    ...rest,
    files: paths,
    onChange: () => {
      revision += 1;
      changed.notify();
    },
  });
  const untilAfter = async (since: number, signal: AbortSignal): Promise<void> => {
    while (revision <= since && !signal.aborted) await changed.wait(signal);
  };
  return {
    current: value.current,
    files: { paths, revision: () => revision, untilAfter },
    stop: value.stop,
  };
}
