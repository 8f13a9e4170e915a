import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import type { Scheduler } from "../../common/scheduler.ts";
import type { Running } from "../../common/shutdown.ts";
import type { ApiClient } from "../api/client.ts";
import { hasCode } from "../api/errors.ts";
import { eventName, eventObject, events, seriesPatch } from "./events.ts";
import type { Happening, ObjectReference, Reporter } from "./events.ts";

/** A happening that comes again within so many milliseconds (and a tick) is counted. */
const window = 6 * 60_000;
/** Counts are written so often, in milliseconds. */
const tick = 60_000;
/** Per object: as client-go's spam filter. */
const burst = 25;
const refill = 300_000;
/** Bounds the memory. */
const maxSeries = 5_000;
const maxAttempts = 3;
const stopTimeout = 5_000;

/** Events of one object with one reason, action and type, that became one Event. */
interface Series {
  readonly key: string;
  readonly happening: Happening;
  readonly name: string;
  readonly firstWall: bigint;
  lastWall: bigint;
  /** Monotonic milliseconds. */
  lastAt: number;
  count: number;
  /** What the API server knows of `count`; 0 before it knows the Event. */
  written: number;
  failures: number;
}

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly reporter: Reporter;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/**
 * Writes Events beside the work: at once the first time, and once a minute how often it came since.
 * Never throws and never blocks; what cannot be written is dropped and counted.
 */
export class EventRecorder implements Running {
  readonly outcomes = new Tally(["created", "counted", "dropped"]);
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #budgets = new Map<string, { tokens: number; at: number }>();
  /** Series that have something to write. */
  readonly #pending = new Set<Series>();
  readonly #stopping = new AbortController();
  #writing: Promise<void> | undefined;
  #cancelTick: (() => void) | undefined;
  #sequence = 0n;
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(happening: Happening): void {
    if (this.#stopped) return;
    const { scheduler } = this.#options;
    const { regarding, reason, action, type } = happening;
    const key = [regarding.uid, reason, action, type].join(" ");
    const at = scheduler.monotonic();
    const wall = scheduler.wall();
    const series = this.#series.get(key);
    if (series !== undefined) {
      series.count++;
      series.lastAt = at;
      series.lastWall = wall;
      this.outcomes.add("counted");
      return;
    }
    if (this.#series.size >= maxSeries || !this.#hasBudget(regarding, at)) {
      this.outcomes.add("dropped");
      return;
    }
    const name = eventName(regarding, wall + this.#sequence++);
    const first = { key, happening, name, firstWall: wall, lastWall: wall, lastAt: at };
    const started: Series = { ...first, count: 1, written: 0, failures: 0 };
    this.#series.set(key, started);
    this.#pending.add(started);
    this.#cancelTick ??= scheduler.after(tick, () => this.#onTick());
    this.#writePending();
  }

  /** Writes what is left, for at most 5 s. */
  async stop(): Promise<void> {
    if (this.#stopped) return this.#writing;
    this.#stopped = true;
    this.#cancelTick?.();
    const { scheduler } = this.#options;
    const cancel = scheduler.after(stopTimeout, () => this.#stopping.abort());
    this.#collect();
    await this.#writing;
    cancel();
  }

  #onTick(): void {
    const { scheduler } = this.#options;
    const now = scheduler.monotonic();
    this.#collect();
    for (const [key, series] of this.#series) {
      if (now - series.lastAt >= window) this.#series.delete(key);
    }
    for (const [uid, { at }] of this.#budgets) {
      if (now - at >= burst * refill) this.#budgets.delete(uid);
    }
    const idle = this.#series.size === 0 && this.#budgets.size === 0;
    this.#cancelTick = idle ? undefined : scheduler.after(tick, () => this.#onTick());
  }

  /** What was counted since it was last written is to be written. */
  #collect(): void {
    for (const series of this.#series.values()) {
      if (series.written < series.count) this.#pending.add(series);
    }
    this.#writePending();
  }

  #writePending(): void {
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  async #writeAll(): Promise<void> {
    const { log } = this.#options;
    for (const series of this.#pending) {
      this.#pending.delete(series);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#write(series, this.#stopping.signal);
        series.failures = 0;
      } catch (error) {
        const { regarding, reason } = series.happening;
        if (++series.failures === maxAttempts) this.#drop(series);
        log.debug({ object: regarding.name, reason, error }, "event not written");
      }
    }
  }

  /** What comes again begins anew: by then it may be written. */
  #drop({ key }: Series): void {
    this.#series.delete(key);
    this.outcomes.add("dropped");
  }

  async #write(series: Series, signal: AbortSignal): Promise<void> {
    const { client, reporter } = this.#options;
    const { happening, name, firstWall, lastWall, count } = series;
    const { namespace } = happening.regarding;
    if (series.written === 0) {
      const event = eventObject(happening, name, firstWall, reporter);
      try {
        await client.create(events, namespace, event, { signal });
      } catch (error) {
        // An attempt before, whose answer was lost, has arrived.
        if (!hasCode(error, "ERR_API_EXISTS")) throw error;
      }
      this.outcomes.add("created");
      series.written = 1;
    } else {
      await client.merge(events, { namespace, name }, seriesPatch(count, lastWall), { signal });
      series.written = count;
    }
  }

  #hasBudget({ uid }: ObjectReference, now: number): boolean {
    const { tokens, at } = this.#budgets.get(uid) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + (now - at) / refill);
    if (filled < 1) return false;
    this.#budgets.set(uid, { tokens: filled - 1, at: now });
    return true;
  }
}
