import type { Logger } from "../log/logger.ts";
import type { Source, SourceError } from "../sources/source.ts";
import { backoffDelay, Notice, sleep, type Backoff } from "../wait.ts";

interface Failed {
  readonly source: Source;
  /** Of the source's files, when the fetch that failed began. */
  readonly revision: number;
  /** In a row, this one among them. */
  readonly failures: number;
  readonly backoff: Backoff;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Resolves when a source that gave no bytes may be asked again, as its error advises. */
export async function untilRetry({ retry }: SourceError, failed: Failed): Promise<void> {
  const { source, revision, signal, log } = failed;
  if (retry.when === "changed") {
    const files = source.watched?.paths ?? [];
    log.error(
      { source: source.name, files },
      files.length === 0
        ? "source is not asked again until the program is started with another config"
        : "source is not asked again until one of its files changes, or a restart",
    );
    return source.watched?.untilAfter(revision, signal) ?? new Notice().wait(signal);
  }
  const least = retry.when === "later" ? retry.afterMilliseconds : 0;
  const delay = backoffDelay(failed.failures - 1, failed.backoff, failed.random);
  await sleep(Math.max(least, delay), signal);
}
