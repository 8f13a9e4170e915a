import { Counter, Gauge, type Registry } from "prom-client";
import { informerEvents, type Informer } from "./informer.ts";

/** How well the cluster is followed; read when scraped. */
export function exposeInformers(registry: Registry, informers: readonly Informer<unknown>[]): void {
  new Counter({
    name: "qrng_operator_informer_events_total",
    help: "Lists and watches begun, and how they ended: expired (410), silent (150 s), broken.",
    labelNames: ["informer", "event"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, events } of informers) {
        for (const event of informerEvents) this.inc({ informer: name, event }, events.get(event));
      }
    },
  });
  new Gauge({
    name: "qrng_operator_informer_follows",
    help: "1 while a collection of the cluster is followed, 0 while that does not work.",
    labelNames: ["informer"],
    registers: [registry],
    collect() {
      for (const informer of informers) {
        this.set({ informer: informer.name }, informer.problem() === undefined ? 1 : 0);
      }
    },
  });
}
