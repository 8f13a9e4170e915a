import type { Clock } from "../../common/clock.ts";
import { formatAddress } from "../../common/config/fields.ts";
import { errorCode } from "../../common/errors.ts";
import type { KeyRing } from "../../common/keys/keyRing.ts";
import type { Logger } from "../../common/log/logger.ts";
import { Tally } from "../../common/metrics.ts";
import type { Reloaded } from "../../common/reload.ts";
import { backoffDelay, sleep } from "../../common/wait.ts";
import type { Accumulator } from "../accumulator.ts";
import type { Batch } from "../chunkQueue.ts";
import type { CollectorConfig } from "../config.ts";
import { Connection, portOf, type PushTls } from "./connection.ts";
import type { Resolve } from "./instances.ts";
import { nextStep, outcomes, type Outcome } from "./outcome.ts";
import { createSequence, signPacket } from "./packets.ts";

export interface PusherOptions {
  readonly url: URL;
  readonly push: CollectorConfig["push"];
  readonly accumulator: Accumulator;
  readonly ring: Reloaded<KeyRing>;
  readonly tls: Reloaded<PushTls>;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface Pusher {
  readonly outcomes: Tally<Outcome>;
  deliveredBytes(): number;
  /** Ends at once: a push that is under way is cut, and its batch dropped. */
  stop(): Promise<void>;
}

/**
 * A worker for each gateway instance takes the next due batch from the accumulator, signs it for
 * its instance and sees it through; a batch is never with two workers. Workers that wait are served
 * in the order they came, which is round robin.
 */
export function startPusher(options: PusherOptions): Pusher {
  const { url, push, resolve, log } = options;
  const tally = new Tally<Outcome>(outcomes);
  const stopping = new AbortController();
  const workers = new Map<string, { leave: AbortController; done: Promise<void> }>();
  const sequence = createSequence(options.clock);
  const shared = { ...options, sequence, tally, stopping: stopping.signal };
  let deliveredBytes = 0;
  const delivered = (bytes: number): void => void (deliveredBytes += bytes);

  const follow = (addresses: readonly string[]): void => {
    for (const [address, worker] of workers) {
      if (!addresses.includes(address)) worker.leave.abort();
    }
    for (const address of addresses) {
      if (workers.has(address)) continue;
      const leave = new AbortController();
      const done = work(address, { ...shared, delivered, leave: leave.signal }).finally(() =>
        workers.delete(address),
      );
      workers.set(address, { leave, done });
    }
  };

  const resolveLoop = async (): Promise<void> => {
    let failing = false;
    while (!stopping.signal.aborted) {
      try {
        follow(await resolve(url.hostname));
        failing = false;
      } catch (error) {
        if (!failing) log.warn({ code: errorCode(error) }, "push_url's name cannot be resolved");
        failing = true;
      }
      await sleep(push.resolve_interval, stopping.signal);
    }
  };
  const resolving = resolveLoop();
  return {
    outcomes: tally,
    deliveredBytes: () => deliveredBytes,
    stop: async () => {
      stopping.abort();
      await resolving;
      await Promise.all([...workers.values()].map(({ done }) => done));
    },
  };
}

interface WorkerOptions extends PusherOptions {
  readonly sequence: () => bigint;
  readonly tally: Tally<Outcome>;
  readonly delivered: (bytes: number) => void;
  /** The program stops. */
  readonly stopping: AbortSignal;
  /** The instance is no longer among the addresses: no new batch for it. */
  readonly leave: AbortSignal;
}

async function work(address: string, options: WorkerOptions): Promise<void> {
  const { accumulator, stopping } = options;
  const leave = AbortSignal.any([options.leave, stopping]);
  const instance = createInstance(address, options);
  while (!leave.aborted) {
    const batch = accumulator.take();
    if (batch === undefined) {
      const due = accumulator.dueIn();
      await accumulator.filled.wait(leave, Number.isFinite(due) ? due : undefined);
      continue;
    }
    const settled = await instance.deliver(batch);
    if (!settled) await instance.pause();
  }
  instance.close();
}

function createInstance(address: string, options: WorkerOptions) {
  const { url, push, accumulator, clock, random, log, stopping } = options;
  const own = formatAddress({ host: address, port: portOf(url) });
  const urlAudience = url.port === "" ? `${url.hostname}:${portOf(url)}` : url.host;
  const audience = push.peer === "v1" ? undefined : push.audience === "url" ? urlAudience : own;
  const connection = new Connection({
    url,
    address,
    tls: options.tls,
    timeout: push.timeout,
    clock,
  });
  const backoff = { min: push.backoff_min, max: push.backoff_max };
  let failures = 0;
  let latest: Outcome | undefined;

  const note = (outcome: Outcome): void => {
    options.tally.add(outcome);
    const isDelivered = outcome === "taken" || outcome === "seen";
    failures = isDelivered ? 0 : failures + 1;
    // A line per change of state: a gateway that is away for a week writes one.
    if (outcome !== latest) {
      if (isDelivered) log.info({ instance: own }, "gateway takes packets");
      else log.warn({ instance: own, outcome }, "gateway did not take a packet");
    }
    latest = outcome;
  };
  const pause = (): Promise<void> =>
    sleep(backoffDelay(Math.max(0, failures - 1), backoff, random), stopping);

  /** @returns whether the batch was delivered; where it was not, the accumulator has it back */
  const deliver = async (batch: Batch): Promise<boolean> => {
    const signedAt = clock.monotonic();
    const { body, headers } = signPacket(batch.data, audience, {
      ring: options.ring.current(),
      sequence: options.sequence(),
      timestamp: clock.wall(),
    });
    let unknownBefore = false;
    try {
      for (;;) {
        const outcome = await connection.push(body, headers, stopping);
        if (stopping.aborted && outcome !== "taken" && outcome !== "seen") {
          accumulator.drop(batch, "shutdown");
          return false;
        }
        note(outcome);
        unknownBefore ||= outcome === "unknown";
        switch (nextStep(outcome, unknownBefore, push.peer)) {
          case "done":
            options.delivered(batch.data.length);
            accumulator.done(batch);
            return true;
          case "sign anew":
            accumulator.back(batch);
            return false;
          case "rest":
            // By this side's clock alone nobody can tell when the gateway's window closes.
            accumulator.rest(batch, signedAt + push.window + push.clock_skew);
            return false;
          case "lose":
            accumulator.drop(batch, "unknown");
            return false;
          case "repeat":
            if (clock.monotonic() - signedAt >= push.window) {
              accumulator.drop(batch, "unknown");
              return false;
            }
            await pause();
        }
      }
    } finally {
      body.fill(0);
    }
  };
  return { deliver, pause, close: () => connection.close() };
}
