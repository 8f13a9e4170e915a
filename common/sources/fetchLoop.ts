import type { Clock } from "../clock.ts";
import type { Logger } from "../log/logger.ts";
import { Tally } from "../metrics.ts";
import type { Running } from "../shutdown.ts";
import { RepeatCheck } from "../health/repeats.ts";
import { backoffDelay, Notice, sleep, type Backoff } from "../wait.ts";
import { SourceError, sourceErrorCodes, type Source, type SourceErrorCode } from "./source.ts";

/** Where fetched bytes go; what it holds is bounded. */
export interface Sink {
  /** Resolves when `bytes` fit, or when `signal` aborts. */
  untilRoom(bytes: number, signal: AbortSignal): Promise<void>;
  /**
   * Takes ownership of the chunk.
   * @param fetchedAt monotonic milliseconds when the fetch began: the bytes are no older
   * @param sources those whose bytes are in the chunk, a bit for each
   */
  add(chunk: Buffer, fetchedAt: number, sources?: number): void;
}

export interface FetchLoopOptions {
  readonly source: Source;
  readonly sink: Sink;
  /** Milliseconds between the end of a fetch and the next. */
  readonly interval: number;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface FetchLoop extends Running {
  readonly source: string;
  readonly outcomes: Tally<"ok" | SourceErrorCode>;
  fetchedBytes(): number;
  /** Undefined before the first fetch has ended, then how the latest one did. */
  latest(): "ok" | SourceErrorCode | undefined;
}

/** Fetches from one source into the sink for as long as there is room, until stopped. */
export function startFetchLoop(options: FetchLoopOptions): FetchLoop {
  const { source, sink, interval, backoff, clock, random, log } = options;
  const outcomes = new Tally(["ok", ...sourceErrorCodes]);
  const repeats = new RepeatCheck();
  const stopping = new AbortController();
  const { signal } = stopping;
  let fetchedBytes = 0;
  let latest: "ok" | SourceErrorCode | undefined;
  let failures = 0;

  const fetchOnce = async (): Promise<void> => {
    const fetchedAt = clock.monotonic();
    const chunk = await source.fetch(signal);
    if (repeats.isRepeat(chunk)) {
      chunk.fill(0);
      throw new SourceError("ERR_SOURCE_REPEATED", "answers bytes that it has given before");
    }
    fetchedBytes += chunk.length;
    sink.add(chunk, fetchedAt);
  };

  const note = (outcome: "ok" | SourceErrorCode, error?: SourceError): void => {
    outcomes.add(outcome);
    // A line per change of state: a source that is down for a week writes one.
    if (outcome !== latest) {
      if (error !== undefined) log.warn({ source: source.name, error }, "source gives no bytes");
      else log.info({ source: source.name }, "source gives bytes");
    }
    latest = outcome;
    failures = outcome === "ok" ? 0 : failures + 1;
  };

  /** @param revision of the source's files, when the fetch that failed began */
  const untilRetry = async ({ retry }: SourceError, revision: number): Promise<void> => {
    if (retry.when === "changed") {
      const files = source.watched?.paths ?? [];
      log.error(
        { source: source.name, files },
        files.length === 0
          ? "source is not asked again until the program is started with another config"
          : "source is not asked again until one of its files changes, or a restart",
      );
      await (source.watched?.untilAfter(revision, signal) ?? new Notice().wait(signal));
      return;
    }
    const least = retry.when === "later" ? retry.afterMilliseconds : 0;
    await sleep(Math.max(least, backoffDelay(failures - 1, backoff, random)), signal);
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await sink.untilRoom(source.chunkBytes, signal);
      if (signal.aborted) return;
      const revision = source.watched?.revision() ?? 0;
      try {
        await fetchOnce();
        note("ok");
        await sleep(interval, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof SourceError)) throw error;
        note(error.code, error);
        await untilRetry(error, revision);
      }
    }
  };
  const done = run().finally(() => source.close());
  return {
    source: source.name,
    outcomes,
    fetchedBytes: () => fetchedBytes,
    latest: () => latest,
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
