import { fileURLToPath } from "node:url";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { images } from "../../cluster/node/images.ts";
import { applyYaml, createNamespace, installCrds } from "../../cluster/objects.ts";
import { chartRules, grantRules } from "../../operatorCluster/helpers/operator.ts";
import { restricted, restrictedContainer, restrictedPod } from "./pods.ts";

const crd = fileURLToPath(new URL("../../../crds/qrngbridge.yaml", import.meta.url));
const account = "operator";
/** By which gateways let the operator in. */
export const operatorLabels = { "app.kubernetes.io/name": "qrng-bridge-operator" };

export interface InstalledOperator extends AsyncDisposable {
  readonly namespace: string;
}

/** The operator's image in a new namespace, with the chart's rules in the namespaces of bridges. */
export async function installOperator(
  cluster: Cluster,
  namespaces: readonly string[],
  flags: readonly string[] = [],
): Promise<InstalledOperator> {
  await installCrds(cluster, [crd]);
  const namespace = await createNamespace(cluster, "qrng-system", restricted);
  const apply = (object: object) => applyYaml(cluster, JSON.stringify(object), { namespace });
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account } });
  await grantRules(cluster, namespace, await chartRules("operator-rules"));
  for (const each of namespaces)
    await grantRules(cluster, each, await chartRules("bridge-rules"), namespace);
  const labels = operatorLabels;
  const args = [
    `--namespaces=${namespaces.join(",")}`,
    `--collector-image=${images.collector}`,
    `--gateway-image=${images.gateway}`,
    ...flags,
  ];
  await apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: account },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...restrictedPod,
          automountServiceAccountToken: true,
          serviceAccountName: account,
          containers: [
            {
              name: account,
              image: images.operator,
              args,
              env: [
                {
                  name: "POD_NAMESPACE",
                  valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } },
                },
              ],
              securityContext: restrictedContainer,
              readinessProbe: { httpGet: { path: "/readyz", port: 9466 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  });
  const rollout = ["rollout", "status", `deployment/${account}`, "--namespace", namespace];
  await cluster.kubectl([...rollout, "--timeout=120s"]);
  return {
    namespace,
    [Symbol.asyncDispose]: async () => {
      await cluster.kubectl(["delete", "namespace", namespace, "--timeout=120s"]);
    },
  };
}
