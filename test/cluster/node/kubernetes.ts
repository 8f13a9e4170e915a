import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Identity } from "../../helpers/certificates.ts";
import type { ControlPlane } from "../controlPlane.ts";
import { program } from "../programs.ts";
import { flags } from "../servers.ts";
import { containerdSocket } from "./containerd.ts";
import { type Machine, nodeAddress, podAddresses, startOn } from "./machine.ts";

export const nodeName = "node";
export const dnsAddress = "10.96.0.10";

/** What makes a control plane and a container runtime a node: each a server on the machine. */
export async function startScheduler(machine: Machine, cluster: ControlPlane): Promise<void> {
  const kubeconfig = await kubeConfigOf(cluster, "system:kube-scheduler");
  const args = flags({ kubeconfig, "leader-elect": "false", "secure-port": "0" });
  await startOn(machine, "kube-scheduler", [await program("kube-scheduler"), ...args]);
}

/** @see https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
export async function startKubelet(machine: Machine, cluster: ControlPlane): Promise<void> {
  const at = (name: string): string => join(machine.folder, name);
  const user = { subject: `system:node:${nodeName}`, organization: "system:nodes" };
  const serving = await cluster.issue({ ...user, names: [nodeName, nodeAddress] });
  await writeIdentity(at("kubelet"), serving);
  await writeFile(at("resolv.conf"), `nameserver ${dnsAddress}\n`);
  await writeFile(
    at("kubelet.yaml"),
    stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      failCgroupV1: false,
      cgroupDriver: "cgroupfs",
      cgroupRoot: `/${machine.cgroup}`,
      containerRuntimeEndpoint: `unix://${containerdSocket}`,
      address: nodeAddress,
      healthzBindAddress: "127.0.0.1",
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: at("ca.crt") },
      },
      authorization: { mode: "Webhook" },
      tlsCertFile: at("kubelet.crt"),
      tlsPrivateKeyFile: at("kubelet.key"),
      clusterDNS: [dnsAddress],
      clusterDomain: "cluster.local",
      resolvConf: at("resolv.conf"),
      volumePluginDir: at("volumeplugins"),
      // Changed Secrets reach pods within this; a minute otherwise.
      syncFrequency: "5s",
      failSwapOn: false,
      makeIPTablesUtilChains: false,
      // Images cannot be pulled again.
      imageGCHighThresholdPercent: 100,
      evictionHard: { "memory.available": "200Mi", "nodefs.available": "2%" },
    }),
  );
  const config = flags({
    config: at("kubelet.yaml"),
    kubeconfig: await kubeConfigOf(cluster, user.subject, user.organization),
    "hostname-override": nodeName,
    "node-ip": nodeAddress,
  });
  await startOn(machine, "kubelet", [await program("kubelet"), ...config]);
}

/** @see https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/ */
export async function startKubeProxy(machine: Machine, cluster: ControlPlane): Promise<void> {
  const file = join(machine.folder, "kube-proxy.yaml");
  await writeFile(
    file,
    stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "nftables",
      clientConnection: { kubeconfig: await kubeConfigOf(cluster, "system:kube-proxy") },
      hostnameOverride: nodeName,
      clusterCIDR: podAddresses,
      bindAddress: nodeAddress,
      healthzBindAddress: "127.0.0.1:10256",
      metricsBindAddress: "127.0.0.1:10249",
      // Nothing of the whole machine's table of connections is changed.
      conntrack: {
        maxPerCore: 0,
        min: 0,
        tcpEstablishedTimeout: "0s",
        tcpCloseWaitTimeout: "0s",
      },
    }),
  );
  await startOn(machine, "kube-proxy", [await program("kube-proxy"), `--config=${file}`]);
}

export async function kubeConfigOf(
  cluster: ControlPlane,
  subject: string,
  organization?: string,
): Promise<string> {
  const wanted = { subject, use: "clientAuth", ...(organization && { organization }) } as const;
  return cluster.kubeConfigFor(await cluster.issue(wanted));
}

async function writeIdentity(path: string, { certificate, key }: Identity): Promise<void> {
  await writeFile(`${path}.crt`, certificate);
  await writeFile(`${path}.key`, key, { mode: 0o600 });
}
