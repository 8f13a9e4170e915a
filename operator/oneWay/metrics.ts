import { Gauge, type Registry } from "prom-client";
import { exposeTally, type Tally } from "../../common/metrics.ts";
import type { ApiObject } from "../api/object.ts";
import { status } from "../bridge/status.ts";
import type { Informer } from "../engine/informer.ts";
import type { CheckOutcome } from "./result.ts";

interface Exposed {
  readonly bridges: Informer<ApiObject>;
  readonly outcomes: Tally<CheckOutcome>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function exposeChecks(registry: Registry, { bridges, outcomes, now }: Exposed): void {
  exposeTally(
    registry,
    "qrng_operator_one_way_checks_total",
    "One-way checks that ended, by what they came to.",
    "outcome",
    outcomes,
  );
  new Gauge({
    name: "qrng_operator_one_way_verdict_age_seconds",
    help: "Seconds since the last one-way check that showed something; none before the first.",
    labelNames: ["namespace", "bridge"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [, { metadata, ...object }] of bridges.entries()) {
        const { namespace = "", name } = metadata;
        const { oneWayCheck } = status.safeParse(object["status"] ?? {}).data ?? {};
        if (oneWayCheck === undefined) continue;
        const age = (now() - Date.parse(oneWayCheck.completionTime)) / 1_000;
        this.set({ namespace, bridge: name }, age);
      }
    },
  });
}
