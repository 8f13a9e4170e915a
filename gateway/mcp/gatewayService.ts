import type { ApiKey } from "../api/keys.ts";
import { chargeRequest } from "../api/limits.ts";
import { drawFor } from "../api/routes/fields.ts";
import { drawIntegers } from "../api/routes/integers.ts";
import type { Dispenser } from "../draw/dispenser.ts";
import { sampleFloats, sampleUuids, type NextBytes } from "../draw/sample.ts";
import { encodeDraw } from "../encode.ts";
import type { Status } from "../status.ts";
import type { RandomService } from "./service.ts";

export interface GatewayServiceDeps {
  readonly dispenser: Dispenser;
  readonly describeStatus: () => Status;
  /** Called for each call that was answered. */
  readonly onServed: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Who calls. */
export interface Caller {
  readonly key: ApiKey;
  /** Aborts when the answer has left, or cannot leave any more. */
  readonly left: AbortSignal;
}

/** The gateway itself, for one caller: the functions, limits and counts that REST has. */
export function createGatewayService(
  { dispenser, describeStatus, onServed, now }: GatewayServiceDeps,
  { key, left }: Caller,
): RandomService {
  const served = async <Value>(answer: () => Value | Promise<Value>): Promise<Value> => {
    // Each call of a batch is charged: one HTTP request must not stand for a hundred.
    await chargeRequest(key, now());
    const value = await answer();
    onServed();
    return value;
  };
  const next = (signal: AbortSignal): NextBytes => drawFor(dispenser, { key, wait: 0, signal });

  return {
    bytes: (count, encoding) =>
      served(async () => {
        const draw = await dispenser.drawNow(key, count);
        const text = encodeDraw(draw, encoding).join("");
        // In flight until the answer has left: slow readers hold no more than the buffer's size.
        if (left.aborted) draw.release();
        else left.addEventListener("abort", () => draw.release(), { once: true });
        return text;
      }),
    integers: (range, signal) => served(() => drawIntegers(next(signal), range)),
    floats: (count, signal) => served(() => sampleFloats(next(signal), count)),
    uuids: (count, signal) => served(() => sampleUuids(next(signal), count)),
    status: () => served(describeStatus),
  };
}
