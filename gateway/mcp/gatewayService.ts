import type { ApiKey } from "../api/keys.ts";
import { chargeRequest } from "../api/limits.ts";
import { drawFor } from "../api/routes/fields.ts";
import { drawIntegers } from "../api/routes/integers.ts";
import type { Draw } from "../buffer.ts";
import type { Dispenser } from "../draw/dispenser.ts";
import { sampleFloats, sampleUuids, type NextBytes } from "../draw/sample.ts";
import { encodeDraw } from "../encode.ts";
import { Problem } from "../problem.ts";
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
  /** Keeps a draw in flight until the answer has left, or cannot leave any more. */
  readonly hold: (draw: Draw) => void;
  readonly onAnswered: (answered: AnsweredCall) => void;
}

/** A call that has its answer. */
export interface AnsweredCall {
  /** What it would have been answered with as a request of its own. */
  readonly status: number;
  readonly seconds: number;
  /** Seconds after which the same call may succeed; 0 where none are known. */
  readonly retryAfter: number;
}

/** The gateway itself, for one caller: the functions, limits and counts that REST has. */
export function createGatewayService(
  { dispenser, describeStatus, onServed, now }: GatewayServiceDeps,
  { key, hold, onAnswered }: Caller,
): RandomService {
  const served = async <Value>(answer: () => Value | Promise<Value>): Promise<Value> => {
    const startedAt = now();
    const tell = (status: number, retryAfter = 0): void =>
      onAnswered({ status, seconds: (now() - startedAt) / 1000, retryAfter });
    try {
      // Each call of a batch is charged: one HTTP request must not stand for a hundred.
      await chargeRequest(key, now());
      const value = await answer();
      onServed();
      tell(200);
      return value;
    } catch (error) {
      if (error instanceof Problem) tell(error.status, Number(error.headers["retry-after"] ?? 0));
      else tell(500);
      throw error;
    }
  };
  const next = (signal: AbortSignal): NextBytes => drawFor(dispenser, { key, wait: 0, signal });

  return {
    bytes: (count, encoding) =>
      served(async () => {
        const draw = await dispenser.drawNow(key, count);
        const text = encodeDraw(draw, encoding).join("");
        hold(draw);
        return text;
      }),
    integers: (range, signal) => served(() => drawIntegers(next(signal), range)),
    floats: (count, signal) => served(() => sampleFloats(next(signal), count)),
    uuids: (count, signal) => served(() => sampleUuids(next(signal), count)),
    status: () => served(describeStatus),
  };
}
