import type { Server } from "node:http";
import { announce } from "../../common/announce.ts";
import { type Clock, nanosecondsToMilliseconds } from "../../common/clock.ts";
import type { Address } from "../../common/config/fields.ts";
import type { Logger } from "../../common/log/logger.ts";
import { close, listen } from "../../common/server.ts";
import { sleep } from "../../common/wait.ts";
import { reachMilliseconds } from "./horizon.ts";
import type { Window } from "./window.ts";

/**
 * How long a gateway that has just started takes no connection for pushes. What it takes it must not
 * have taken before its start (see Window), so it would refuse everything at first, and a collector
 * keeps what is refused for longer than the window; a collector that cannot connect goes to another
 * instance at once. Half of the allowance for clocks is added: for one that is behind, and for what
 * is signed while its connection is made.
 * @param future of the window, milliseconds
 * @returns milliseconds; 0 where waiting would not help soon
 */
export function closedFor(window: Window, future: number, log: Logger): number {
  const opensIn = window.opensIn();
  if (opensIn > future + reachMilliseconds) {
    log.warn(
      { seconds: Math.ceil(opensIn / 1_000) },
      "packets were signed later than this clock's now; until then none is taken",
    );
    return 0;
  }
  return opensIn === 0 ? 0 : Math.ceil(opensIn + future / 2);
}

interface Opening {
  /** Milliseconds. */
  readonly wait: number;
  /** The gateway stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Says where a server listens for pushes, after a wait in which it does not.
 * @throws ConfigError when another process has taken the address meanwhile
 */
export async function open(
  server: Server,
  address: Address,
  { wait, signal, clock, log }: Opening,
): Promise<void> {
  if (wait > 0) {
    const until = new Date(nanosecondsToMilliseconds(clock.wall()) + wait).toISOString();
    log.info(
      { until },
      "takes no pushes yet: what is signed now could have been taken before the start",
    );
    await close(server, AbortSignal.abort());
    await sleep(wait, signal);
    if (signal.aborted) return;
    await listen(server, address, "push.listen_address");
  }
  announce(log, "push", address);
}
