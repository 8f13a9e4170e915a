import { cp } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ControlPlaneAccess } from "../access.ts";
import { type ControlPlane, startControlPlaneAt } from "../controlPlane.ts";
import { applyFiles } from "../objects.ts";
import { program } from "../programs.ts";
import { serviceAddresses } from "../servers.ts";
import { startCilium } from "./cilium.ts";
import { startContainerd } from "./containerd.ts";
import { nodeName, startKubelet, startKubeProxy, startScheduler } from "./kubernetes.ts";
import { type Machine, nodeAddress, podAddresses, startMachine } from "./machine.ts";
import { step } from "./progress.ts";
import { requireNode } from "./requirements.ts";

const base = fileURLToPath(new URL("base.yaml", import.meta.url));

/** Those that no Debian package has in the version that is needed. */
const built = [
  ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"] as const),
  ...(["kubelet", "kube-proxy", "containerd", "containerd-shim-runc-v2", "ctr"] as const),
  ...(["cilium-agent", "cilium-cni", "coredns", "pause"] as const),
];

/** A folder for each cluster that has ended. */
export const keptLogs = join(homedir(), ".cache/qrng-bridge/cluster/logs");

export interface ClusterInit {
  /** Docker archives; one of pause and one of CoreDNS among them. */
  readonly images: readonly string[];
  /** Whether NetworkPolicies have an effect: they have none on many clusters. */
  readonly enforcement: boolean;
}

/** A whole cluster of one node, on a machine within this one. */
export interface Cluster extends ControlPlaneAccess {
  readonly machine: Machine;
}

/**
 * Resolves when pods can run and have names looked up, in half a minute.
 * @throws MissingProgram with what to install
 */
export async function startCluster({
  images,
  enforcement,
}: ClusterInit): Promise<Cluster & AsyncDisposable> {
  await requireNode();
  await step("programs", buildPrograms);
  const machine = await step("machine", startMachine);
  try {
    const cluster = await startServers(machine, images, enforcement);
    const stop = (): Promise<void> => step("end of the cluster", () => stopMachine(machine));
    return { ...cluster, machine, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stopMachine(machine);
    throw error;
  }
}

async function startServers(
  machine: Machine,
  images: readonly string[],
  enforcement: boolean,
): Promise<ControlPlaneAccess> {
  const [cluster] = await Promise.all([
    step("control plane", () => startControllers(machine)),
    step("containerd and its images", () => startContainerd(machine, images)),
  ]);
  await step("node", async () => {
    await startKubelet(machine, cluster);
    await startKubeProxy(machine, cluster);
    await applyFiles(cluster, [base]);
    await startCilium(machine, cluster, enforcement);
    await cluster.kubectl(["wait", "--for=create", `node/${nodeName}`, "--timeout=180s"]);
    await cluster.kubectl(["wait", "--for=condition=Ready", `node/${nodeName}`, "--timeout=180s"]);
  });
  await step("DNS", async () => {
    const rollout = ["rollout", "status", "deployment/coredns", "--namespace=kube-system"];
    await cluster.kubectl([...rollout, "--timeout=180s"]);
  });
  return cluster;
}

/** Here and not within the time of what needs them first. */
async function buildPrograms(): Promise<void> {
  for (const name of built) await program(name);
}

async function startControllers(machine: Machine): Promise<ControlPlane> {
  const { folder, entry } = machine;
  const cluster = await startControlPlaneAt({
    folder,
    logs: join(folder, "log"),
    entry,
    address: nodeAddress,
    ports: { api: 6443, etcd: 2379, peer: 2380 },
    flags: {
      apiServer: [
        `--kubelet-client-certificate=${join(folder, "apiserver-kubelet.crt")}`,
        `--kubelet-client-key=${join(folder, "apiserver-kubelet.key")}`,
        `--kubelet-certificate-authority=${join(folder, "ca.crt")}`,
        "--kubelet-preferred-address-types=InternalIP",
      ],
      controllerManager: [
        "--allocate-node-cidrs=true",
        `--cluster-cidr=${podAddresses}`,
        `--service-cluster-ip-range=${serviceAddresses}`,
      ],
    },
    cleanup: [],
  });
  await cluster.startControllerManager();
  await startScheduler(machine, cluster);
  return cluster;
}

/** The servers' logs are kept until the next run. */
async function stopMachine(machine: Machine & AsyncDisposable): Promise<void> {
  const kept = join(keptLogs, basename(machine.folder));
  await cp(join(machine.folder, "log"), kept, { recursive: true });
  process.stderr.write(`cluster: logs of its servers and pods are in ${kept}\n`);
  await machine[Symbol.asyncDispose]();
}
