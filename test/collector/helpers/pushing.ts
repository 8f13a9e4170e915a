import { createSecretKey, randomBytes } from "node:crypto";
import { Accumulator } from "../../../collector/accumulator.ts";
import type { CollectorConfig } from "../../../collector/config.ts";
import { Connection } from "../../../collector/push/connection.ts";
import { startPusher, type Pusher } from "../../../collector/push/pusher.ts";
import type { KeyRing, RingKey } from "../../../common/keys/keyRing.ts";
import { fixed } from "../../../common/reload.ts";
import { captureLog, type CapturedLog } from "../../helpers/capturedLog.ts";
import { ManualClock } from "../../helpers/manualClock.ts";

export const packetBytes = 64;

export function makeKey(id: string): RingKey {
  const secret = createSecretKey(randomBytes(32));
  return { id, use: "bound", notAfter: undefined, secret };
}

export function ringOf(...keys: [RingKey, ...RingKey[]]): KeyRing {
  return { signing: keys[0], keys };
}

export const usualPush: CollectorConfig["push"] = {
  peer: "bridge",
  audience: "address",
  packet_size: packetBytes,
  packet_age: 0,
  timeout: 30_000,
  window: 30_000,
  clock_skew: 60_000,
  backoff_min: 1,
  backoff_max: 1,
  resolve_interval: 10,
  allow_plaintext: false,
  tls: {},
};

export interface Pushing extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly accumulator: Accumulator;
  readonly pusher: Pusher;
  readonly captured: CapturedLog;
  /** Puts a packet's bytes into the accumulator: the bytes themselves, and what they were. */
  add(sources?: number): { readonly chunk: Buffer; readonly data: string };
}

export interface PushingOptions {
  readonly port: number;
  /** Of push URLs beside the first. */
  readonly morePorts?: readonly number[];
  readonly host?: string;
  readonly push?: Partial<CollectorConfig["push"]>;
  /** Read for each packet. */
  readonly ring: () => KeyRing;
  /** 127.0.0.1 alone when left out. */
  readonly resolve?: () => Promise<readonly string[]>;
  /** Of a pause, what part of the longest it is; 0, and a second by the clock, when left out. */
  readonly pause?: number;
}

/**
 * The real pusher and accumulator on a clock that stands, but for a second that each pause after a
 * failed push takes.
 */
export function startPushing(options: PushingOptions): Pushing {
  const { port, morePorts = [], host = "127.0.0.1", ring } = options;
  const { resolve = async () => ["127.0.0.1"] } = options;
  const clock = new ManualClock();
  const captured = captureLog();
  const push = { ...usualPush, ...options.push };
  const accumulator = new Accumulator({
    capacity: 2 ** 20,
    packetBytes,
    packetAge: push.packet_age,
    maxAge: 3_600_000,
    clock,
  });
  const urls = [port, ...morePorts].map((each) => new URL(`http://${host}:${each}/push`));
  const tls = fixed({ ca: undefined, certificate: undefined, key: undefined });
  const pusher = startPusher({
    urls,
    push,
    accumulator,
    ring: { current: ring, stop: () => undefined },
    connect: (to, address) =>
      new Connection({ url: to, address, tls, timeout: push.timeout, clock }),
    resolve,
    clock,
    random: () => {
      if (options.pause !== undefined) return options.pause;
      clock.advance(1_000);
      return 0;
    },
    log: captured.log,
  });
  return {
    clock,
    accumulator,
    pusher,
    captured,
    add: (sources) => {
      const chunk = randomBytes(packetBytes);
      const data = chunk.toString("hex");
      accumulator.add(chunk, clock.monotonic(), sources);
      return { chunk, data };
    },
    [Symbol.asyncDispose]: () => pusher.stop(),
  };
}
