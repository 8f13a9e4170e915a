import { stat } from "node:fs/promises";
import { errorCode } from "./errors.ts";
import type { Logger } from "./log/logger.ts";

export interface Reloaded<T> {
  /** The newest value that could be loaded. */
  current(): T;
  stop(): void;
}

export interface ReloadOptions<T> {
  /** For the log: `key ring`, `API keys`, … */
  readonly what: string;
  /** A change of any of them loads again. */
  readonly files: readonly string[];
  readonly load: () => Promise<T>;
  /** Called with each value after the first. */
  readonly onChange?: (value: T) => void;
  readonly log: Logger;
  /** Milliseconds between looks. */
  readonly interval?: number;
}

/**
 * Loads a value from files and loads it again when they change. A look every second finds every way
 * a file can be replaced (rename, Kubernetes' link swaps, bind mounts), which file events do not.
 * A new content that cannot be loaded is logged once, and the value before it stays.
 * @throws what `load` throws, the first time
 */
export async function reloaded<T>(options: ReloadOptions<T>): Promise<Reloaded<T>> {
  const { what, files, load, onChange, log, interval = 1000 } = options;
  let seen = await fingerprint(files);
  let value = await load();
  let stopped = false;

  const look = async (): Promise<void> => {
    const now = await fingerprint(files);
    if (now !== seen && !stopped) {
      seen = now;
      try {
        const next = await load();
        if (stopped) return;
        value = next;
        log.info({ what, files }, "reloaded");
        onChange?.(value);
      } catch (error) {
        log.error({ what, files, error }, "not reloaded; the one before stays in use");
      }
    }
    if (!stopped) timer = setTimeout(() => void look(), interval).unref();
  };
  let timer = setTimeout(() => void look(), interval).unref();
  return {
    current: () => value,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** A value that is there for good, where a program may get a reloaded one instead. */
export function fixed<T>(value: T): Reloaded<T> {
  return { current: () => value, stop: () => undefined };
}

async function fingerprint(files: readonly string[]): Promise<string> {
  const parts = files.map(async (file) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(":");
    } catch (error) {
      return errorCode(error) ?? "unknown";
    }
  });
  return (await Promise.all(parts)).join(" ");
}
