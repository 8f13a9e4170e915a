import { Gauge, type Registry } from "prom-client";
import type { ApiObject } from "../api/object.ts";
import { type BridgeStatus, status } from "../bridge/status.ts";
import type { Informer } from "../engine/informer.ts";

type Bridges = Pick<Informer<ApiObject>, "entries">;

interface Upkeep {
  readonly name: string;
  readonly help: string;
  /** Undefined where a bridge has no such thing. */
  readonly read: (status: BridgeStatus) => number | undefined;
}

const upkeep: readonly Upkeep[] = [
  {
    name: "qrng_operator_next_rotation_timestamp_seconds",
    help: "Unix time at which the next signing key is due.",
    read: ({ signing }) => secondsOf(signing?.nextRotationTime),
  },
  {
    name: "qrng_operator_rotation_under_way",
    help: "1 while a key is published that does not sign yet.",
    read: ({ signing }) => signing && Number(signing.nextKeyId !== undefined),
  },
  {
    name: "qrng_operator_certificate_renewal_timestamp_seconds",
    help: "Unix time at which the next of the bridge's certificates is renewed.",
    read: ({ certificates }) => secondsOf(certificates?.renewalTime),
  },
  {
    name: "qrng_operator_certificate_expiry_timestamp_seconds",
    help: "Unix time at which the first of the bridge's certificates ends.",
    read: ({ certificates }) => secondsOf(certificates?.notAfter),
  },
];

/** When keys and certificates of all bridges are due, read from the watch when scraped. */
export function exposeUpkeep(registry: Registry, bridges: Bridges): void {
  for (const { name, help, read } of upkeep) {
    new Gauge({
      name,
      help,
      labelNames: ["namespace", "bridge"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [, { metadata, ...object }] of bridges.entries()) {
          const value = read(status.safeParse(object["status"] ?? {}).data ?? {});
          const { namespace = "", name: bridge } = metadata;
          if (value !== undefined) this.set({ namespace, bridge }, value);
        }
      },
    });
  }
}

/** @param time RFC 3339 @returns Unix time in seconds */
function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1_000;
}
