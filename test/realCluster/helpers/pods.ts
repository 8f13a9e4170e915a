import { images } from "../../cluster/node/images.ts";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { applyYaml } from "../../cluster/objects.ts";

export const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };

/** What PodSecurity `restricted` asks of a container and of its pod. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
export const restrictedPod = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
};

export interface NodePod {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** A module for Node, which the gateway's image has. */
  readonly script?: string;
  /** Beside the container's fixed fields. */
  readonly container?: object;
  readonly volumes?: readonly object[];
}

/** The manifest of a pod that runs a script, by default one that waits. */
export function nodePod(pod: NodePod): object {
  const { name, namespace, labels = {}, script = "setInterval(() => {}, 1 << 30)" } = pod;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      ...restrictedPod,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "node",
          image: images.gateway,
          command: ["node", "--input-type=module", "--eval", script],
          securityContext: restrictedContainer,
          ...pod.container,
        },
      ],
      volumes: pod.volumes ?? [],
    },
  };
}

/** Starts pods and waits until they are ready. */
export async function startPods(cluster: Cluster, pods: readonly object[]): Promise<void> {
  for (const pod of pods) await applyYaml(cluster, JSON.stringify(pod));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: pods });
  const wait = ["wait", "--for=condition=Ready", "--timeout=180s", "--filename=-"];
  await cluster.kubectl(wait, { input: list });
}

/** Runs a script in a pod, as a module. @returns what it wrote */
export function runInPod(
  { kubectl }: Cluster,
  { namespace, name }: Pick<NodePod, "namespace" | "name">,
  script: string,
): Promise<string> {
  const exec = ["exec", "--namespace", namespace, name, "--"];
  return kubectl([...exec, "node", "--input-type=module", "--eval", script]);
}
