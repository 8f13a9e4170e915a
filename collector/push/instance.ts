import type { Clock } from "../../common/clock.ts";
import { formatAddress } from "../../common/config/fields.ts";
import type { KeyRing } from "../../common/keys/keyRing.ts";
import type { Logger } from "../../common/log/logger.ts";
import type { Tally } from "../../common/metrics.ts";
import type { Reloaded } from "../../common/reload.ts";
import { Audience } from "../../common/packet/signature.ts";
import { backoffDelay, sleep } from "../../common/wait.ts";
import type { Accumulator } from "../accumulator.ts";
import type { Batch } from "../chunkQueue.ts";
import type { CollectorConfig } from "../config.ts";
import type { PushConnection } from "./connection.ts";
import { portOf } from "./socket.ts";
import { nextStep, type Outcome } from "./outcome.ts";
import { signPacket } from "./packets.ts";

export interface InstanceOptions {
  readonly push: CollectorConfig["push"];
  readonly accumulator: Accumulator;
  readonly ring: Reloaded<KeyRing>;
  readonly connect: (url: URL, address: string) => PushConnection;
  readonly sequence: () => bigint;
  readonly tally: Tally<Outcome>;
  readonly delivered: (bytes: number) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** The program stops. */
  readonly stopping: AbortSignal;
}

/**
 * A full gateway is a healthy one: it is asked again within a second, so that clients who empty it
 * need not wait out the backoff of one that is broken.
 */
const longestFullRest = 1_000;

/** One gateway instance: signs batches for it, sees them through, and rests when it took none. */
export class Instance {
  readonly #options: InstanceOptions;
  /** Its `address:port`, for the log. */
  readonly #name: string;
  /** Whom packets are signed for. */
  readonly #audience: Audience | undefined;
  readonly #connection: PushConnection;
  #failures = 0;
  #latest: Outcome | undefined;
  /** What was logged last. */
  #state = "";
  #isResting = false;

  constructor(url: URL, address: string, options: InstanceOptions) {
    const { push } = options;
    this.#options = options;
    this.#name = formatAddress({ host: address, port: portOf(url) });
    const urlAudience = url.port === "" ? `${url.hostname}:${portOf(url)}` : url.host;
    const audience = push.audience === "url" ? urlAudience : this.#name;
    this.#audience = push.peer === "v1" ? undefined : new Audience(audience);
    this.#connection = options.connect(url, address);
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  close(): void {
    this.#connection.close();
  }

  /** Resolves when a push would not have to wait before it connects, or when `signal` aborts. */
  ready(signal: AbortSignal): Promise<void> {
    return this.#connection.untilMayConnect(signal);
  }

  /** Leaves the instance alone for a while: backoff with full jitter. Ends when `signal` aborts. */
  async rest(signal: AbortSignal): Promise<void> {
    const { push, random } = this.#options;
    const longest = this.#latest === "full" ? longestFullRest : push.backoff_max;
    const backoff = { min: push.backoff_min, max: Math.min(push.backoff_max, longest) };
    this.#isResting = true;
    await sleep(backoffDelay(Math.max(0, this.#failures - 1), backoff, random), signal);
    this.#isResting = false;
  }

  /** @returns whether the batch was delivered; where it was not, the accumulator has it back */
  async deliver(batch: Batch): Promise<boolean> {
    const { push, accumulator, clock, stopping } = this.#options;
    const ring = this.#options.ring.current();
    const signedAt = clock.monotonic();
    const { body, headers } = signPacket(batch.data, this.#audience, {
      ring,
      sequence: this.#options.sequence(),
      timestamp: clock.wall(),
    });
    let unknownBefore = false;
    try {
      for (;;) {
        const outcome = await this.#connection.push(body, headers, stopping);
        if (stopping.aborted && outcome !== "taken" && outcome !== "seen") {
          accumulator.drop(batch, "shutdown");
          return false;
        }
        this.#note(outcome, ring.signing.id);
        unknownBefore ||= outcome === "unknown";
        switch (nextStep(outcome, unknownBefore, push.peer)) {
          case "done":
            this.#options.delivered(batch.data.length);
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
            await this.rest(stopping);
            if (accumulator.isRevoked(batch)) {
              accumulator.drop(batch, "alarm");
              return false;
            }
            if (clock.monotonic() - signedAt >= push.window) {
              accumulator.drop(batch, "unknown");
              return false;
            }
        }
      }
    } finally {
      body.fill(0);
    }
  }

  #note(outcome: Outcome, keyId: string): void {
    const { tally, log } = this.#options;
    const isDelivered = outcome === "taken" || outcome === "seen";
    tally.add(outcome);
    this.#failures = isDelivered ? 0 : this.#failures + 1;
    this.#latest = outcome;
    // A line per change of state: a gateway that is away for a week writes one.
    const failure = outcome === "refused" ? `refused ${keyId}` : outcome;
    const state = isDelivered ? "delivered" : failure;
    if (state === this.#state) return;
    this.#state = state;
    const about = { instance: this.#name, outcome };
    if (isDelivered) log.info({ instance: this.#name }, "gateway takes packets");
    else if (outcome === "refused")
      log.warn({ ...about, keyId, check: whatToCheck }, "gateway refuses packets");
    else log.warn(about, "gateway did not take a packet");
  }
}

/** The outcome says no more than that it refused: so the log names the key, and what else may be. */
const whatToCheck =
  "whether the gateway knows this key id, has this address (push.audience) and this time, or is shutting down";
