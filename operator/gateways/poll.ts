import { nanosecondsToMilliseconds } from "../../common/clock.ts";
import { pause, type Scheduler } from "../../common/scheduler.ts";
import type { Running } from "../../common/shutdown.ts";
import { digestReports, type GatewayReport, type GatewayReports } from "./reports.ts";

export interface GatewayPollOptions {
  readonly reports: GatewayReports;
  /** Milliseconds between two rounds. */
  readonly interval: number;
  /** Told of bridges whose gateways say something else than in their last reconcile. */
  readonly changed: (bridge: string) => void;
  readonly scheduler: Scheduler;
}

/** Bridges whose gateways are asked at the same time. */
const width = 8;

/** Asks all gateways from time to time, beside the reconciles and without the API server. */
export class GatewayPoll implements Running {
  readonly #options: GatewayPollOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  /** What reconciles saw last, by bridge. */
  #seen = new Map<string, string>();

  constructor(options: GatewayPollOptions) {
    this.#options = options;
    this.#done = this.#run(this.#stopping.signal);
  }

  /** Takes what a reconcile has seen. */
  saw(bridge: string, reports: readonly GatewayReport[]): void {
    this.#seen.set(bridge, digestReports(reports, this.#now()));
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { reports, interval, scheduler } = this.#options;
    while (!signal.aborted) {
      await pause(scheduler, interval, signal);
      const bridges = reports.byBridge();
      this.#seen = new Map([...this.#seen].filter(([bridge]) => bridges.has(bridge)));
      const left = [...bridges];
      const work = async (): Promise<void> => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          if (signal.aborted) return;
          const [bridge, pods] = next;
          const now = digestReports(await reports.ask(pods, signal), this.#now());
          const before = this.#seen.get(bridge);
          if (before !== undefined && before !== now) this.#options.changed(bridge);
        }
      };
      await Promise.all(Array.from({ length: width }, work));
    }
  }

  #now(): number {
    return nanosecondsToMilliseconds(this.#options.scheduler.wall());
  }
}
