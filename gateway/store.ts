import type { Clock } from "../common/clock.ts";
import { createConditioner } from "../common/conditioning/conditioner.ts";
import { FipsMonitor } from "../common/health/fipsMonitor.ts";
import { EntropyBuffer } from "./buffer.ts";
import type { GatewayConfig } from "./config.ts";
import { WaitQueue } from "./draw/waitQueue.ts";
import { Inlet } from "./inlet.ts";

/** Everything that random bytes pass on their way through a gateway, from inlet to queue. */
export interface Store {
  readonly inlet: Inlet;
  readonly monitor: FipsMonitor;
  readonly buffer: EntropyBuffer;
  readonly queue: WaitQueue;
  /** Zeroes what is too old; to be called now and then. */
  expire(): void;
  /** Zeroes all that is left. */
  close(): void;
}

export function createStore(config: GatewayConfig, clock: Clock): Store {
  const { buffer_size: capacity, max_age: maxAge, overflow } = config;
  const buffer = new EntropyBuffer({ capacity, maxAge, overflow, clock });
  const monitor = new FipsMonitor();
  const conditioner = createConditioner({
    type: config.conditioning,
    minEntropyMillibitsPerByte: config.min_entropy_millibits_per_byte,
  });
  const inlet = new Inlet({ monitor, conditioner, buffer, maxAge, clock });
  return {
    inlet,
    monitor,
    buffer,
    queue: new WaitQueue(buffer, config.max_waiting),
    expire: () => {
      inlet.expire();
      buffer.expire();
    },
    close: () => {
      inlet.close();
      buffer.close();
    },
  };
}
