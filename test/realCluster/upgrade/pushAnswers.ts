import type { Cluster } from "../../cluster/node/cluster.ts";
import type { Bridge } from "../helpers/client.ts";
import { addressesOf, metricAt, type Series } from "../helpers/metrics.ts";

/** All that is no refusal; a gateway on its way out takes no more. */
const accepted = ["taken", "known", "seen", "full", "draining"];

/** Notes how gateways answer pushes. */
export class PushAnswers {
  readonly #cluster: Cluster;
  readonly #bridge: Bridge;
  readonly refusals = new Set<string>();
  readonly #takers = new Set<string>();

  constructor(cluster: Cluster, bridge: Bridge) {
    this.#cluster = cluster;
    this.#bridge = bridge;
  }

  /** How many gateways have taken packets. */
  get takers(): number {
    return this.#takers.size;
  }

  async look(): Promise<void> {
    for (const address of await addressesOf(this.#cluster, this.#bridge, "gateway")) {
      // One that has only begun to start, or is gone, does not answer; the next look asks again.
      const get = metricAt(this.#cluster, address, "gateway", "qrng_gateway_pushes_total");
      this.#note(address, await get.catch(() => ({})));
    }
  }

  #note(address: string, series: Series): void {
    for (const [labels, count] of Object.entries(series)) {
      const answer = /"(.+)"/.exec(labels)?.[1] ?? "";
      if (count === 0) continue;
      if (answer === "taken") this.#takers.add(address);
      if (!accepted.includes(answer)) this.refusals.add(answer);
    }
  }
}
