import type { Clock } from "../clock.ts";
import type { HealthAlarm } from "../health/alarms.ts";
import type { SourceTests } from "../health/sourceTests.ts";
import type { Logger } from "../log/logger.ts";
import type { MixResult, Mixer } from "../mixing/mixer.ts";
import type { Mixed } from "../mixing/strategies.ts";
import type { Source } from "../sources/source.ts";
import { Notice } from "../wait.ts";
import type { Sink } from "./sink.ts";
import { startSourceLoop, type CutOff, type DiscardReason, type SourceLoop } from "./sourceLoop.ts";

export interface SuppliedSource {
  readonly source: Source;
  readonly tests: SourceTests;
  /** Milliseconds between the end of a fetch and the next. */
  readonly interval: number;
}

export interface SupplyOptions {
  readonly sources: readonly SuppliedSource[];
  readonly mixer: Mixer;
  readonly sink: Sink;
  /** What is mixed at once, at most; the sink can hold so much. */
  readonly mixBytes: number;
  /**
   * Milliseconds from a fetch after which bytes that wait in the mix are dropped: a mix is as old as
   * the oldest byte in it, so old ones would spoil the fresh ones of a slow partner.
   */
  readonly maxWait: number;
  readonly onFetch: (source: string, seconds: number) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface Supply {
  readonly loops: readonly SourceLoop[];
  /** Bytes of a source that wait for the rest of their window, or to be mixed. */
  heldBytes(loop: SourceLoop): number;
  /** Every source that gives nothing, and why. */
  troubles(): readonly Trouble[];
  /** The same while too few are left for anything to go on, else none. */
  missing(): readonly Trouble[];
  /** Stops fetching; what has passed its tests still goes on, until `grace` aborts. */
  stop(grace: AbortSignal): Promise<void>;
}

export interface Trouble {
  readonly source: string;
  /** `quarantined: repetition count`, `ERR_SOURCE_TIMEOUT`, … */
  readonly trouble: string;
  /** By a health test. */
  readonly isCutOff: boolean;
}

type FailedMix = Extract<MixResult, { readonly alarm: unknown }>;

/** More than a mix ever takes of one source for a block; what is fetched ahead of the mix. */
const enoughBytes = 1_024;

/** For people. */
export function describeTrouble({ source, trouble }: Trouble): string {
  return `${source} (${trouble})`;
}

const backoff = { min: 200, max: 30_000 };

/**
 * The way of random bytes from the sources to a sink: each source has a loop of its own that fetches
 * and tests; what passed waits in the mixer until its partners and the sink's room are there. An
 * alarm zeroes what is left of its source on the whole way.
 */
export function startSupply(options: SupplyOptions): Supply {
  const { mixer, sink, mixBytes, maxWait, clock, log } = options;
  const arrived = new Notice();
  const used = new Notice();
  const stopping = new AbortController();
  let isEnding = false;
  let missing: readonly Trouble[] = [];
  /** By source: bytes that went to the sink with a part of it in them, since it was last trusted. */
  const passedOn = new Map<string, number>();

  const cutOff = (source: string, alarm: HealthAlarm): CutOff => {
    const waitingBytes = mixer.discard(source);
    const revokedBytes = sink.revoke(mixer.bitOf(source));
    const goneBytes = Math.max(0, (passedOn.get(source) ?? 0) - revokedBytes);
    passedOn.set(source, 0);
    used.notify();
    if (alarm.test === "not independent") blamePartner(source, alarm.otherSource);
    return { waitingBytes, revokedBytes, goneBytes };
  };

  /** Nobody can tell which of the two gives the other's bytes. */
  const blamePartner = (source: string, partner: string): void => {
    const loop = loops.find((other) => other.source === partner);
    if (loop?.standing().state !== "trusted") return;
    loop.quarantine({ test: "not independent", tier: "intermittent", otherSource: source });
  };

  const troubles = (): Trouble[] =>
    loops.flatMap((loop) => {
      const trouble = loop.trouble();
      const isCutOff = loop.standing().state !== "trusted";
      return trouble === undefined ? [] : [{ source: loop.source, trouble, isCutOff }];
    });

  const review = (): void => {
    const before = missing;
    const troubled = troubles();
    missing = loops.length - troubled.length < mixer.minSources ? troubled : [];
    const names = (list: readonly Trouble[]): string => list.map(({ source }) => source).join();
    if (names(missing) === names(before)) return;
    // A line per change: a mix that waits for a week writes one.
    if (missing.length > 0)
      log.warn({ missing: missing.map(describeTrouble) }, "nothing goes on without these sources");
    else log.info("enough sources give bytes again");
  };

  const loops = options.sources.map(({ source, tests, interval }): SourceLoop =>
    startSourceLoop({
      source,
      tests,
      interval,
      backoff,
      untilRoom: async (signal) => {
        const enough = Math.max(source.chunkBytes, enoughBytes);
        while (!signal.aborted && mixer.heldBytes(source.name) >= enough) await used.wait(signal);
      },
      pass: (piece) => {
        mixer.add(source.name, piece);
        arrived.notify();
      },
      cutOff: (alarm) => cutOff(source.name, alarm),
      onChange: review,
      onFetch: (seconds) => options.onFetch(source.name, seconds),
      clock,
      random: options.random,
      log,
    }),
  );

  const discard = (reason: DiscardReason, fetchedUntil?: number): void => {
    for (const { source, discarded } of loops) {
      discarded.add(reason, mixer.discard(source, fetchedUntil));
    }
    used.notify();
  };

  const pump = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      discard("expired", clock.monotonic() - maxWait);
      const ready = Math.min(mixBytes, mixer.readyBytes());
      if (ready === 0) {
        if (isEnding) return;
        await arrived.wait(signal, maxWait);
        continue;
      }
      await sink.untilRoom(ready, signal);
      if (signal.aborted) return;
      const result = mixer.mix(ready);
      if (result === undefined) continue; // an alarm took it back while there was no room
      used.notify();
      if ("alarm" in result) blame(result);
      else passOn(result.mixed);
    }
  };

  /** The mixed stream failed: all that took part are broken in the same way, or the mixing is. */
  const blame = ({ alarm, sources, discardedBytes }: FailedMix): void => {
    for (const loop of loops) {
      if ((sources & mixer.bitOf(loop.source)) === 0) continue;
      loop.discarded.add("alarm", discardedBytes);
      if (loop.standing().state !== "trusted") continue;
      loop.quarantine({ test: "mixed stream", tier: alarm.tier });
    }
  };

  const passOn = ({ data, fetchedAt, sources }: Mixed): void => {
    for (const { source } of loops) {
      if ((sources & mixer.bitOf(source)) === 0) continue;
      passedOn.set(source, (passedOn.get(source) ?? 0) + data.length);
    }
    sink.add(data, fetchedAt, sources);
  };

  const pumping = pump();
  return {
    loops,
    heldBytes: (loop) => loop.heldBytes() + mixer.heldBytes(loop.source),
    troubles,
    missing: () => missing,
    stop: async (grace) => {
      await Promise.all(loops.map((loop) => loop.stop()));
      isEnding = true;
      arrived.notify();
      const giveUp = (): void => stopping.abort();
      if (grace.aborted) giveUp();
      grace.addEventListener("abort", giveUp, { once: true });
      await pumping;
      grace.removeEventListener("abort", giveUp);
      discard("shutdown");
    },
  };
}
