import { nanosecondsToMilliseconds, type Clock } from "../common/clock.ts";
import { listSources } from "../common/sources/config.ts";
import type { FipsMonitor } from "../common/health/fipsMonitor.ts";
import type { EntropyBuffer } from "./buffer.ts";
import type { Trouble } from "../common/supply/supply.ts";
import type { GatewayConfig } from "./config.ts";
import type { WaitQueue } from "./draw/waitQueue.ts";
import type { Meter } from "./meter.ts";
import type { LastPush } from "./push/receiver.ts";
import { describeReport } from "./quality.ts";
import { describeStatus, type Status } from "./status.ts";
import { version } from "../common/version.ts";

interface Parts {
  readonly buffer: EntropyBuffer;
  readonly monitor: FipsMonitor;
  readonly queue: WaitQueue;
  readonly lastPushes: readonly LastPush[];
  /** Seconds; see Receiver. */
  readonly clockSkew: number | undefined;
  /** Requests that were answered. */
  readonly served: Meter;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  readonly isDraining: () => boolean;
  /** Of the sources, in Direct mode. */
  readonly troubles: readonly Trouble[];
  readonly clock: Clock;
}

/** Asks the parts of a running gateway, and describes what they say. */
export function gatherStatus(config: GatewayConfig, parts: Parts): Status {
  const { buffer, monitor, queue, lastPushes, troubles, served } = parts;
  const { startedAt, isDraining, clock } = parts;
  const now = clock.monotonic();
  const since = (at: number | undefined): number | undefined => (at === undefined ? at : now - at);
  return describeStatus({
    available: buffer.available(),
    capacity: buffer.capacity,
    sinceReceived: since(buffer.receivedAt()),
    sinceOffered: since(buffer.offeredAt()),
    sincePushes: lastPushes.map(({ keyId, at }) => [keyId, since(at)]),
    clockSkew: parts.clockSkew,
    ages: buffer.ages(),
    wall: nanosecondsToMilliseconds(clock.wall()),
    uptime: now - startedAt,
    isDraining: isDraining(),
    troubles,
    simulated: isSimulated(config),
    mode: config.deployment_mode,
    version,
    requests: served.total(),
    bytesOut: buffer.flow.get("served"),
    bytesIn: buffer.flow.get("received"),
    requestRate: served.perSecond(),
    inRate: buffer.meters.in.perSecond(),
    outRate: buffer.meters.out.perSecond(),
    waiting: queue.size,
    conditioning: config.conditioning,
    quality: describeReport(monitor.report()),
  });
}

/** Whether any of the bytes come from a simulated appliance, as far as the config says. */
function isSimulated({ simulated, direct_mode_config: direct }: GatewayConfig): boolean {
  const sources = direct === undefined ? [] : listSources(direct);
  return simulated || sources.some((source) => source.type === "Quantis" && source.simulated);
}
