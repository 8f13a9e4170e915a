import type { Cluster } from "../../cluster/node/cluster.ts";
import { runOn } from "../../cluster/node/machine.ts";
import type { Bridge } from "./client.ts";

/** Series of a metric by their labels, such as `{outcome="refused"}`. */
export type Series = Readonly<Record<string, number>>;

type Program = "collector" | "gateway";

/** A metric of each running pod of a program, summed. */
export async function metricOf(
  cluster: Cluster,
  bridge: Bridge,
  program: Program,
  metric: string,
): Promise<Series> {
  const sums: Record<string, number> = {};
  for (const address of await addressesOf(cluster, bridge, program))
    for (const [labels, value] of Object.entries(await metricAt(cluster, address, program, metric)))
      sums[labels] = (sums[labels] ?? 0) + value;
  return sums;
}

/** The pods of a program, by the addresses that they have so far. */
export async function addressesOf(
  { kubectl }: Cluster,
  { name, namespace }: Bridge,
  program: Program,
): Promise<string[]> {
  const selector = `qrngbridge.io/bridge=${name},app.kubernetes.io/component=${program}`;
  const get = ["get", "pods", "--namespace", namespace, "--selector", selector];
  const jsonpath = "--output=jsonpath={.items[?(@.status.podIP)].status.podIP}";
  return (await kubectl([...get, jsonpath])).split(" ").filter((one) => one !== "");
}

/** A metric of one pod; asked for from the node, which reaches all. @throws when it does not answer */
export async function metricAt(
  { machine }: Cluster,
  address: string,
  program: Program,
  metric: string,
): Promise<Series> {
  const port = program === "collector" ? 9465 : 9464;
  const curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10"];
  const text = await runOn(machine, [...curl, `http://${address}:${port}/metrics`]);
  const series = [...text.matchAll(seriesOf(metric))];
  return Object.fromEntries(series.map(([, labels = "", value]) => [labels, Number(value)]));
}

const seriesOf = (metric: string): RegExp => new RegExp(`^${metric}(\\{[^}]*\\})? (\\S+)$`, "gm");
