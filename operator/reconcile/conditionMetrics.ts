import { Gauge, type Registry } from "prom-client";
import type { ApiObject } from "../api/object.ts";
import { conditionTypes, status } from "../bridge/status.ts";
import type { Informer } from "../engine/informer.ts";
import { conditionOf } from "./conditions.ts";

const values = { True: 1, False: 0, Unknown: -1 } as const;

/** The conditions of all bridges, read from the watch when scraped. */
export function exposeConditions(
  registry: Registry,
  bridges: Pick<Informer<ApiObject>, "entries">,
): void {
  new Gauge({
    name: "qrng_operator_bridge_condition",
    help: "1 while the condition is True, 0 while it is False, -1 while it is not known.",
    labelNames: ["namespace", "bridge", "type"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [, { metadata, ...object }] of bridges.entries()) {
        const { namespace = "", name } = metadata;
        const found = status.safeParse(object["status"] ?? {}).data ?? {};
        for (const type of conditionTypes) {
          const condition = conditionOf(found, type);
          // What does not exist with this topology would else look like what nobody knows.
          if (condition?.reason === "NotNeeded") continue;
          this.set({ namespace, bridge: name, type }, values[condition?.status ?? "Unknown"]);
        }
      }
    },
  });
}
