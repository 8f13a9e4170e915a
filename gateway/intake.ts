import type { Clock } from "../common/clock.ts";
import { formatAddress } from "../common/config/fields.ts";
import { loadKeyRing } from "../common/keys/load.ts";
import type { Logger } from "../common/log/logger.ts";
import type { Tally } from "../common/metrics.ts";
import { close, listen } from "../common/server.ts";
import type { Running } from "../common/shutdown.ts";
import type { GatewayConfig } from "./config.ts";
import type { Inlet } from "./inlet.ts";
import { TokenBucket } from "./limit/tokenBucket.ts";
import { Horizon } from "./push/horizon.ts";
import { createPushHandler, type PushAnswer } from "./push/listener.ts";
import { closedFor, open } from "./push/opening.ts";
import { Receiver } from "./push/receiver.ts";
import { SeenSet } from "./push/seenSet.ts";
import { createPushServer } from "./push/server.ts";
import { Window } from "./push/window.ts";

/** For pushes under way at the stop: one that is cut is unknown to its collector. */
const lastAnswersMilliseconds = 1_000;

export interface PushIntake extends Running {
  readonly answers: Tally<PushAnswer>;
  readonly receiver: Receiver;
  readonly seen: SeenSet;
}

interface IntakeDeps {
  readonly inlet: Inlet;
  readonly isDraining: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Push mode: the listener that collectors push to, verifying into the buffer. */
export async function startPushIntake(
  config: GatewayConfig,
  { inlet, isDraining, clock, log }: IntakeDeps,
): Promise<PushIntake> {
  const { push } = config;
  let receiver: Receiver | undefined;
  const ring = await loadKeyRing(config, {
    uses: push.accept_unbound ? ["bound", "unbound"] : ["bound"],
    onChange: (next) => receiver?.trust(next),
    log,
  });
  const horizon = await Horizon.load(push.state_file);
  let handle: ReturnType<typeof createPushHandler>["handle"] | undefined;
  const { server, stopReloading } = await createPushServer(
    push,
    (request, response) => {
      void handle?.(request, response).catch((error: unknown) => {
        log.error({ error }, "a push failed");
        response.destroy();
      });
    },
    log,
  );
  const address = await listen(server, push.listen_address, "push.listen_address");
  // Only now: nobody else can have taken packets at this address since.
  const { past, future } = push.window;
  const window = new Window({ past, future, clock, horizon: horizon.inherited });
  const seen = new SeenSet();
  const limit =
    push.bytes_per_second === undefined
      ? undefined
      : new TokenBucket(
          {
            capacity: Math.max(push.bytes_per_second, push.max_packet_size),
            perSecond: push.bytes_per_second,
          },
          clock.monotonic(),
        );
  receiver = new Receiver({
    // Known only now, where the system picked the port.
    audience: push.audience ?? formatAddress(address),
    acceptUnbound: push.accept_unbound,
    ring: ring.current(),
    window,
    seen,
    horizon,
    inlet,
    limit,
    isDraining,
    clock,
  });
  const handler = createPushHandler({ receiver, maxPacketSize: push.max_packet_size, log });
  handle = handler.handle;
  const stopping = new AbortController();
  const wait = closedFor(window, future, log);
  const opened = open(server, address, { wait, signal: stopping.signal, clock, log });
  return {
    answers: handler.tally,
    receiver,
    seen,
    stop: async () => {
      stopping.abort();
      await opened;
      stopReloading();
      ring.stop();
      await close(server, AbortSignal.timeout(lastAnswersMilliseconds));
    },
  };
}
