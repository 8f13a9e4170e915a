import { randomBytes } from "node:crypto";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { applyYaml } from "../../cluster/objects.ts";
import { eventually } from "../../helpers/eventually.ts";
import { inNamespace } from "../../operatorCluster/helpers/bridge.ts";
import type { Bridge } from "./client.ts";

/** Waits until a bridge is Ready, as users do. */
export async function bridgeIsReady(cluster: Cluster, { name, namespace }: Bridge): Promise<void> {
  const wait = ["wait", "--for=condition=Ready", `qb/${name}`, "--namespace", namespace];
  await cluster.kubectl([...wait, "--timeout=180s"]);
}

/** Waits until the gateways are so many, all of them ready and none still on its way out. */
export async function gatewaysAre(
  { kubectl }: Cluster,
  { name, namespace }: Bridge,
  replicas: number,
): Promise<void> {
  const deployment = ["get", "deployment", `${name}-gateway`, "--namespace", namespace];
  const counts = "{.spec.replicas} {.status.updatedReplicas} {.status.readyReplicas}";
  const selector = `qrngbridge.io/bridge=${name},app.kubernetes.io/component=gateway`;
  const pods = ["get", "pods", "--namespace", namespace, "--selector", selector, "--output=name"];
  await eventually(async () => {
    const counted = await kubectl([...deployment, `--output=jsonpath=${counts}`]);
    if (counted !== `${replicas} ${replicas} ${replicas}`) return false;
    return (await kubectl(pods)).trim().split("\n").length === replicas;
  }, 180_000);
}

/** Gives a bridge another signing key to move to, by a Secret. */
export async function giveKey(cluster: Cluster, bridge: Bridge): Promise<void> {
  const { name, namespace } = bridge;
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "given-key", labels: { "qrngbridge.io/bridge": name } },
    stringData: { key: randomBytes(32).toString("hex") },
  };
  await applyYaml(cluster, JSON.stringify(secret), { namespace });
}

/** Waits until the collector signs with the key that was given last: all gateways tell of it before. */
export async function keyIsSwitched(cluster: Cluster, bridge: Bridge): Promise<void> {
  const { conditionOf } = inNamespace(cluster, bridge.namespace);
  await eventually(async () => {
    const condition = await conditionOf(bridge.name, "SigningKeyCurrent");
    return condition?.reason === "Overlapping";
  }, 300_000);
}
