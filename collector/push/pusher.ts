import type { Clock } from "../../common/clock.ts";
import { errorCode } from "../../common/errors.ts";
import type { KeyRing } from "../../common/keys/keyRing.ts";
import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import type { Reloaded } from "../../common/reload.ts";
import { sleep } from "../../common/wait.ts";
import type { Accumulator } from "../accumulator.ts";
import type { CollectorConfig } from "../config.ts";
import type { PushConnection } from "./connection.ts";
import { Instance } from "./instance.ts";
import type { Resolve } from "./resolve.ts";
import { outcomes, type Outcome } from "./outcome.ts";
import { createSequence } from "./packets.ts";

export interface PusherOptions {
  /** Push listeners; each name may stand for several instances. */
  readonly urls: readonly URL[];
  readonly push: CollectorConfig["push"];
  readonly accumulator: Accumulator;
  readonly ring: Reloaded<KeyRing>;
  /** The one connection to the instance at an address; nothing is opened before the first push. */
  readonly connect: (url: URL, address: string) => PushConnection;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface Pusher {
  readonly outcomes: Tally<Outcome>;
  deliveredBytes(): number;
  /** Wall-clock nanoseconds of the latest delivery; undefined before the first. */
  deliveredAt(): bigint | undefined;
  /** Gateway instances that are known, and how many of them rest after a push that failed. */
  instances(): { known: number; resting: number };
  /** Ends at once: a push that is under way is cut, and its batch dropped. */
  stop(): Promise<void>;
}

/** More than any URL has; a resolver that answers without end must not be followed. */
export const maxInstances = 64;

interface Followed {
  readonly url: URL;
  /** By address. */
  readonly workers: Map<string, Worker>;
}

interface Worker {
  readonly instance: Instance;
  readonly leave: AbortController;
  readonly done: Promise<void>;
}

/**
 * A worker for each gateway instance takes the next due batch from the accumulator, signs it for
 * its instance and sees it through; a batch is never with two workers. Workers that wait are served
 * in the order they came, which is round robin.
 */
export function startPusher(options: PusherOptions): Pusher {
  const { urls, push, accumulator, clock, resolve, log } = options;
  const tally = new Tally<Outcome>(outcomes);
  const stopping = new AbortController();
  const followed = urls.map((url): Followed => ({ url, workers: new Map<string, Worker>() }));
  let deliveredBytes = 0;
  let deliveredAt: bigint | undefined;
  const shared = {
    ...options,
    sequence: createSequence(clock),
    tally,
    stopping: stopping.signal,
    delivered: (bytes: number) => {
      deliveredBytes += bytes;
      deliveredAt = clock.wall();
    },
  };

  const follow = ({ url, workers }: Followed, found: readonly string[]): void => {
    // Sorted, so that it is the same ones each time.
    const addresses = [...new Set(found)].toSorted().slice(0, maxInstances);
    for (const [address, worker] of workers) {
      if (!addresses.includes(address)) worker.leave.abort();
    }
    for (const address of addresses) {
      if (workers.has(address)) continue;
      const leave = new AbortController();
      const instance = new Instance(url, address, shared);
      const leaving = AbortSignal.any([leave.signal, stopping.signal]);
      const done = work(instance, accumulator, leaving).finally(() => workers.delete(address));
      workers.set(address, { instance, leave, done });
    }
  };

  const resolveLoop = async (one: Followed): Promise<void> => {
    let failing = false;
    while (!stopping.signal.aborted) {
      try {
        follow(one, await resolve(one.url.hostname));
        failing = false;
      } catch (error) {
        const { host } = one.url;
        if (!failing)
          log.warn({ host, code: errorCode(error) }, "a push URL's name cannot be resolved");
        failing = true;
      }
      await sleep(push.resolve_interval, stopping.signal);
    }
  };
  const resolving = followed.map(resolveLoop);
  const allWorkers = (): Worker[] => followed.flatMap(({ workers }) => [...workers.values()]);
  return {
    outcomes: tally,
    deliveredBytes: () => deliveredBytes,
    deliveredAt: () => deliveredAt,
    instances: () => {
      const known = allWorkers().filter(({ leave }) => !leave.signal.aborted);
      const resting = known.filter(({ instance }) => instance.isResting);
      return { known: known.length, resting: resting.length };
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(resolving);
      await Promise.all(allWorkers().map(({ done }) => done));
    },
  };
}

/** @param leave the instance is no longer among the addresses, or the program stops */
async function work(
  instance: Instance,
  accumulator: Accumulator,
  leave: AbortSignal,
): Promise<void> {
  for (;;) {
    await instance.ready(leave);
    if (leave.aborted) break;
    const batch = accumulator.take();
    if (batch === undefined) {
      const due = accumulator.dueIn();
      await accumulator.filled.wait(leave, Number.isFinite(due) ? due : undefined);
      continue;
    }
    const settled = await instance.deliver(batch);
    if (!settled) await instance.rest(leave);
  }
  instance.close();
}
