import type { Cluster } from "../../cluster/node/cluster.ts";
import type { Bridge } from "../helpers/client.ts";
import { addressesOf, metricAt, type Series } from "../helpers/metrics.ts";

/**
 * Notes how gateways answer pushes. A gateway takes nothing that was signed in its first seconds
 * (docs/push.md), so `stale` is a refusal from the first packet on that it has taken.
 */
export class PushAnswers {
  readonly #cluster: Cluster;
  readonly #bridge: Bridge;
  readonly refusals = new Set<string>();
  readonly #staleAtFirst = new Map<string, number>();

  constructor(cluster: Cluster, bridge: Bridge) {
    this.#cluster = cluster;
    this.#bridge = bridge;
  }

  /** How many gateways have taken packets. */
  get takers(): number {
    return this.#staleAtFirst.size;
  }

  async look(): Promise<void> {
    for (const address of await addressesOf(this.#cluster, this.#bridge, "gateway")) {
      // One that has only begun to start, or is gone, does not answer; the next look asks again.
      const get = metricAt(this.#cluster, address, "gateway", "qrng_gateway_pushes_total");
      this.#note(address, await get.catch(() => ({})));
    }
  }

  #note(address: string, series: Series): void {
    const counts = Object.entries(series).map(
      ([labels, count]) => [/"(.+)"/.exec(labels)?.[1] ?? "", count] as const,
    );
    const { taken = 0, stale = 0, ...others }: Series = Object.fromEntries(counts);
    for (const [answer, count] of Object.entries(others))
      if (count > 0 && !["known", "seen", "full", "draining"].includes(answer))
        this.refusals.add(answer);
    if (taken === 0) return;
    const first = this.#staleAtFirst.get(address);
    if (first === undefined) this.#staleAtFirst.set(address, stale);
    else if (stale > first) this.refusals.add("stale");
  }
}
