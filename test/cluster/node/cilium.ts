import { globSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../../helpers/eventually.ts";
import { run } from "../../images/helpers/command.ts";
import { applyFiles } from "../objects.ts";
import type { ControlPlane } from "../controlPlane.ts";
import { moduleSources, program } from "../programs.ts";
import { flags } from "../servers.ts";
import { networkConfigs } from "./containerd.ts";
import { kubeConfigOf, nodeName } from "./kubernetes.ts";
import { type Machine, podAddresses, runOn, startOn } from "./machine.ts";

const rights = fileURLToPath(new URL("cilium.yaml", import.meta.url));

/**
 * The network of pods, by Cilium's agent as a server of the machine. Its operator is not needed:
 * the definitions of its kinds come from its module.
 * @param enforcement whether NetworkPolicies have an effect
 */
export async function startCilium(
  machine: Machine,
  cluster: ControlPlane,
  enforcement: boolean,
): Promise<void> {
  const at = (name: string): string => join(machine.folder, "cilium", name);
  const sources = await moduleSources("tools/cilium", "github.com/cilium/cilium");
  await applyFiles(cluster, [
    ...globSync(join(sources, "pkg/k8s/apis/cilium.io/client/crds/*/*.yaml")),
    rights,
  ]);
  // The agent compiles these, with headers that it writes beside them.
  await mkdir(at("lib"), { recursive: true });
  await run("cp", ["-r", "--no-preserve=mode", join(sources, "bpf"), at("lib/bpf")]);
  await symlink("/usr/bin/clang-19", at("clang"));
  const agent = await startOn(machine, "cilium-agent", [
    "env",
    `PATH=${at("")}:${process.env["PATH"]}`,
    `K8S_NODE_NAME=${nodeName}`,
    await program("cilium-agent"),
    ...flags({
      "k8s-kubeconfig-path": await kubeConfigOf(cluster, "cilium"),
      "lib-dir": at("lib"),
      "enable-policy": enforcement ? "default" : "never",
      "enable-ipv6": "false",
      "routing-mode": "native",
      "ipv4-native-routing-cidr": podAddresses,
      "policy-cidr-match-mode": "nodes",
      devices: "eth0",
      ipam: "kubernetes",
      "k8s-require-ipv4-pod-cidr": "true",
      "kube-proxy-replacement": "false",
      "identity-allocation-mode": "crd",
      "enable-l7-proxy": "false",
      // Without these, kubelet's probes fail where ingress is denied.
      "install-iptables-rules": "true",
      "enable-ipv4-masquerade": "true",
      "enable-hubble": "false",
      "enable-health-checking": "false",
      "enable-endpoint-health-checking": "false",
      "enable-gops": "false",
      "enable-monitor": "false",
      "enable-dynamic-config": "false",
      // Small tables, of a size for one node.
      "bpf-ct-global-tcp-max": "16384",
      "bpf-ct-global-any-max": "8192",
      "bpf-nat-global-max": "16384",
      "bpf-lb-map-max": "4096",
      "bpf-policy-map-max": "1024",
    }),
  ]);
  const health = ["curl", "--fail", "--silent", "--max-time", "1", "--header", "brief: true"];
  await eventually(async () => {
    await agent.assertRunning();
    return runOn(machine, [...health, "http://127.0.0.1:9879/healthz"]).then(
      () => true,
      () => false,
    );
  }, 180_000);
  // Written in place: containerd does not see a file that is renamed into place, as the agent does.
  await writeFile(
    join(networkConfigs(machine), "05-cilium.conflist"),
    JSON.stringify({ cniVersion: "1.0.0", name: "cilium", plugins: [{ type: "cilium-cni" }] }),
  );
}
