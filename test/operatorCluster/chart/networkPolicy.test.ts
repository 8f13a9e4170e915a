import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { expect, test } from "vitest";
import type { Party, Pod } from "../../operator/network/evaluator.ts";
import { rowsBetween } from "../../operator/network/scene.ts";
import { textOf } from "../../operator/network/table.ts";
import { home, objectsIn, template } from "./helm.ts";
import { deploymentOf } from "./rendered.ts";
import { valuesFile } from "./valueSets.ts";

const pod = (namespace: string, labels: Record<string, string> = {}): Pod => ({
  name: "pod",
  namespace,
  labels,
  addresses: [],
});
const gateway = { "qrngbridge.io/zone": "gateway" };
const around: Readonly<Record<string, Party>> = {
  "API server": { address: "203.0.113.7" },
  "any other address": { address: "198.51.100.7" },
  "gateway at home": pod(home, gateway),
  "gateway in physics": pod("physics", gateway),
  "gateway elsewhere": pod("elsewhere", gateway),
  "collector in physics": pod("physics", { "qrngbridge.io/zone": "collector" }),
  Prometheus: pod("monitoring", { "app.kubernetes.io/name": "prometheus" }),
  "other pod of monitoring": pod("monitoring"),
  DNS: pod("kube-system", { "k8s-app": "kube-dns" }),
};

/** Who may connect to the operator, and to whom it may, by the policy that the chart gives it. */
async function connections(values: string): Promise<string[]> {
  const objects = objectsIn(await template(["--values", valuesFile(values)]));
  const { labels = {} } = deploymentOf(objects).spec!.template.metadata!;
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy") as NetworkPolicy[];
  const parties = { ...around, operator: pod(home, labels) };
  return rowsBetween({ namespaces: {}, policies }, parties, ["operator"]).map(textOf);
}

/** Where nobody says where the API server is. */
const anywhere = Object.keys(around).flatMap((party) =>
  [443, 6443].map((port) => `operator → ${party}: ${port} TCP`),
);

test.each([
  ["defaults", [...anywhere, "operator → gateway at home: 9464 TCP"]],
  ["listed-namespaces", [...anywhere, "operator → gateway in physics: 9464 TCP"]],
  [
    "cluster-wide",
    [
      "operator → API server: 6443 TCP",
      "operator → gateway at home: 9464 TCP",
      "operator → gateway in physics: 9464 TCP",
      "operator → gateway elsewhere: 9464 TCP",
    ],
  ],
  [
    "monitored",
    [...anywhere, "operator → gateway at home: 9464 TCP", "Prometheus → operator: 9466 TCP"],
  ],
])(
  "with the values %s the operator reaches what it needs, and who scrapes it alone reaches it",
  async (values, expected) => {
    expect((await connections(values)).sort()).toEqual(expected.sort());
  },
);
