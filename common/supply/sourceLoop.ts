import type { Clock } from "../clock.ts";
import { healthTests, type HealthAlarm, type HealthTest } from "../health/alarms.ts";
import type { SourceTests } from "../health/sourceTests.ts";
import type { Logger } from "../log/logger.ts";
import { Tally } from "../metrics.ts";
import type { Piece } from "../pieces.ts";
import type { Running } from "../shutdown.ts";
import {
  SourceError,
  sourceErrorCodes,
  type Source,
  type SourceErrorCode,
} from "../sources/source.ts";
import { Notice, sleep, type Backoff } from "../wait.ts";
import { untilRetry } from "./retry.ts";
import { afterAlarm, afterRetest, newcomer, type Standing } from "./standing.ts";

export interface SourceLoopOptions {
  readonly source: Source;
  readonly tests: SourceTests;
  /** Milliseconds between the end of a fetch and the next. */
  readonly interval: number;
  readonly backoff: Backoff;
  /** Resolves when a chunk more is wanted, or when `signal` aborts. */
  readonly untilRoom: (signal: AbortSignal) => Promise<void>;
  /** Takes ownership of bytes that passed their tests. */
  readonly pass: (piece: Piece) => void;
  /** Zeroes what is left of the source's bytes on their way; see `CutOff`. */
  readonly cutOff: (alarm: HealthAlarm) => CutOff;
  /** Whether the source gives bytes has changed. */
  readonly onChange: () => void;
  readonly onFetch: (seconds: number) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** What an alarm came in time for, and what it did not. */
export interface CutOff {
  /** Bytes of the source that were zeroed in the mix, where they waited for their partners. */
  readonly waitingBytes: number;
  /** Bytes with a part of the source in them that the sink held, and zeroed. */
  readonly revokedBytes: number;
  /** Such bytes that the sink no longer had, of those since the source was last trusted. */
  readonly goneBytes: number;
}

/**
 * Why bytes that a source gave never reached the sink: it failed a test, was tested again, had waited
 * for its partners for too long, or the program ended.
 */
export const discardReasons = ["alarm", "retest", "expired", "shutdown"] as const;
export type DiscardReason = (typeof discardReasons)[number];

export interface SourceLoop extends Running {
  readonly source: string;
  readonly outcomes: Tally<"ok" | SourceErrorCode>;
  readonly alarms: Tally<HealthTest>;
  /** Bytes, of those that were fetched. */
  readonly discarded: Tally<DiscardReason>;
  fetchedBytes(): number;
  /** Of these, bytes that wait until their window has passed. */
  heldBytes(): number;
  /** Bytes with a part of it in them that were gone when an alarm came; see `CutOff`. */
  goneBytes(): number;
  /** How the latest fetch ended; undefined before the first has. */
  latest(): "ok" | SourceErrorCode | undefined;
  standing(): Standing;
  /** Why nothing comes from it now, for people; undefined while something does, or may yet. */
  trouble(): string | undefined;
  /** Cuts the source off for what its own tests cannot see. */
  quarantine(alarm: HealthAlarm): void;
}

/** Fetches from one source, tests, and passes on what passed, until stopped. */
export function startSourceLoop(options: SourceLoopOptions): SourceLoop {
  const { source, tests, interval, backoff, clock, random, log } = options;
  const { name } = source;
  const outcomes = new Tally(["ok", ...sourceErrorCodes]);
  const alarms = new Tally(healthTests);
  const discarded = new Tally(discardReasons);
  const stopping = new AbortController();
  const { signal } = stopping;
  let standing = newcomer;
  let fetchedBytes = 0;
  let cleanBytes = 0;
  let allGoneBytes = 0;
  let latest: "ok" | SourceErrorCode | undefined;
  let failures = 0;

  const quarantine = (alarm: HealthAlarm): void => {
    if (standing.state === "failed") return;
    alarms.add(alarm.test);
    standing = afterAlarm(standing, alarm, { cleanBytes, now: clock.monotonic(), random });
    cleanBytes = 0;
    discarded.add("alarm", tests.heldBytes());
    tests.restart();
    const { waitingBytes, revokedBytes, goneBytes } = options.cutOff(alarm);
    discarded.add("alarm", waitingBytes);
    allGoneBytes += goneBytes;
    const { test, tier } = alarm;
    const zeroedBytes = waitingBytes + revokedBytes;
    log.error({ source: name, test, tier, zeroedBytes, goneBytes }, alarmText[tier]);
    options.onChange();
  };

  const judge = (chunk: Buffer, fetchedAt: number): void => {
    const testedBytes = tests.heldBytes() + chunk.length;
    const verdict = tests.update(chunk, fetchedAt);
    if ("alarm" in verdict) {
      discarded.add("alarm", testedBytes);
      return quarantine(verdict.alarm);
    }
    if (standing.state === "trusted") {
      cleanBytes += chunk.length;
      for (const piece of verdict.pieces) options.pass(piece);
      return;
    }
    if (verdict.pieces.length === 0) return; // the start-up test goes on
    for (const { data } of verdict.pieces) data.fill(0);
    discarded.add("retest", testedBytes - tests.heldBytes());
    standing = afterRetest(standing);
    log.info({ source: name }, "source has passed its tests again");
    options.onChange();
  };

  const fetchOnce = async (): Promise<void> => {
    const fetchedAt = clock.monotonic();
    const before = standing;
    const chunk = await source.fetch(signal);
    options.onFetch((clock.monotonic() - fetchedAt) / 1000);
    fetchedBytes += chunk.length;
    if (standing === before) return judge(chunk, fetchedAt);
    chunk.fill(0); // another source's alarm cut this one off meanwhile
    discarded.add("alarm", chunk.length);
  };

  const note = (outcome: "ok" | SourceErrorCode, error?: SourceError): void => {
    outcomes.add(outcome);
    failures = outcome === "ok" ? 0 : failures + 1;
    if (outcome === latest) return;
    latest = outcome;
    // A line per change: a source that is down for a week writes one.
    if (error !== undefined) log.warn({ source: name, error }, "source gives no bytes");
    else log.info({ source: name }, "source gives bytes");
    options.onChange();
  };

  const untilDue = async (): Promise<void> => {
    switch (standing.state) {
      case "trusted":
        return options.untilRoom(signal);
      case "quarantined":
        return sleep(Math.max(0, standing.retestAt - clock.monotonic()), signal);
      case "failed":
        return new Notice().wait(signal); // for ever
    }
  };

  /** Another source's alarm may cut this one off while it waits for room: then it waits on. */
  const untilWanted = async (): Promise<void> => {
    for (let due: Standing | undefined; due !== standing && !signal.aborted;) {
      due = standing;
      await untilDue();
    }
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await untilWanted();
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
        await untilRetry(error, { source, revision, failures, backoff, random, log, signal });
      }
    }
  };
  const done = run().finally(() => {
    source.close();
    discarded.add("shutdown", tests.heldBytes());
    tests.close();
  });
  return {
    source: name,
    outcomes,
    alarms,
    discarded,
    fetchedBytes: () => fetchedBytes,
    heldBytes: () => tests.heldBytes(),
    goneBytes: () => allGoneBytes,
    latest: () => latest,
    standing: () => standing,
    trouble: () => troubleOf(standing, latest),
    quarantine,
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

const alarmText = {
  intermittent: "source failed a test: quarantined, and tested again later",
  permanent: "source failed a test as chance never does: cut off until this program is restarted",
} as const;

function troubleOf(
  standing: Standing,
  latest: "ok" | SourceErrorCode | undefined,
): string | undefined {
  if (standing.state !== "trusted") return `${standing.state}: ${standing.alarm.test}`;
  return latest === "ok" ? undefined : latest;
}
