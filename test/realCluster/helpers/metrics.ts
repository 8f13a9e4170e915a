import type { Cluster } from "../../cluster/node/cluster.ts";
import { runOn } from "../../cluster/node/machine.ts";

/** Series of a metric by their labels, such as `{outcome="refused"}`. */
export type Series = Readonly<Record<string, number>>;

/** A metric of each running pod of a program, summed; asked for from the node, which reaches all. */
export async function metricOf(
  { kubectl, machine }: Cluster,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  program: "collector" | "gateway",
  metric: string,
): Promise<Series> {
  const selector = `qrngbridge.io/bridge=${name},app.kubernetes.io/component=${program}`;
  const get = ["get", "pods", "--namespace", namespace, "--selector", selector];
  const jsonpath = "--output=jsonpath={.items[?(@.status.podIP)].status.podIP}";
  const addresses = (await kubectl([...get, jsonpath])).split(" ").filter((one) => one !== "");
  const port = program === "collector" ? 9465 : 9464;
  const sums: Record<string, number> = {};
  for (const address of addresses) {
    const curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10"];
    const text = await runOn(machine, [...curl, `http://${address}:${port}/metrics`]);
    for (const [, labels = "", value] of text.matchAll(seriesOf(metric)))
      sums[labels] = (sums[labels] ?? 0) + Number(value);
  }
  return sums;
}

const seriesOf = (metric: string): RegExp => new RegExp(`^${metric}(\\{[^}]*\\})? (\\S+)$`, "gm");
