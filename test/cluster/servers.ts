import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "./place.ts";

/** The issuer and the audience of ServiceAccount tokens. */
export const issuer = "https://kubernetes.default.svc.cluster.local";

export const serviceAddresses = "10.96.0.0/16";

export const auditLog = "audit.log";

const auditPolicy = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
});

/** etcd as one member, on loopback, without waiting for the disk: nothing here outlives a test. */
export function etcdArgs({ folder, ports }: Place): string[] {
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return flags({
    name: "test",
    "data-dir": join(folder, "etcd"),
    "unsafe-no-fsync": "true",
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `test=${peer}`,
    "cert-file": join(folder, "etcd.crt"),
    "key-file": join(folder, "etcd.key"),
    "trusted-ca-file": join(folder, "etcd-ca.crt"),
    "client-cert-auth": "true",
    // It would show the server's certificate as a client's.
    "enable-grpc-gateway": "false",
    "log-level": "warn",
  });
}

/** kube-apiserver as clusters run it: RBAC, and the admission plugins that are on by default. */
export function apiServerArgs({ folder, address, ports }: Place): string[] {
  return flags({
    "bind-address": address,
    "advertise-address": address,
    "secure-port": String(ports.api),
    "etcd-servers": `https://127.0.0.1:${ports.etcd}`,
    "etcd-cafile": join(folder, "etcd-ca.crt"),
    "etcd-certfile": join(folder, "etcd-client.crt"),
    "etcd-keyfile": join(folder, "etcd-client.key"),
    "client-ca-file": join(folder, "ca.crt"),
    "tls-cert-file": join(folder, "apiserver.crt"),
    "tls-private-key-file": join(folder, "apiserver.key"),
    "service-account-issuer": issuer,
    "service-account-key-file": join(folder, "sa.pub"),
    "service-account-signing-key-file": join(folder, "sa.key"),
    "service-cluster-ip-range": serviceAddresses,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    // Left to PodSecurity, as clusters do.
    "allow-privileged": "true",
    "anonymous-auth": "false",
    profiling: "false",
  });
}

/** One line per request when it is answered, and one when a watch begins. */
export async function auditArgs(folder: string): Promise<string[]> {
  const policy = join(folder, "audit-policy.json");
  await writeFile(policy, auditPolicy);
  return flags({ "audit-policy-file": policy, "audit-log-path": join(folder, auditLog) });
}

/** kube-controller-manager without a port of its own. */
export function controllerManagerArgs(folder: string, kubeconfig: string): string[] {
  return flags({
    kubeconfig,
    "root-ca-file": join(folder, "ca.crt"),
    "service-account-private-key-file": join(folder, "sa.key"),
    "use-service-account-credentials": "true",
    "leader-elect": "false",
    "secure-port": "0",
  });
}

export function flags(values: Record<string, string>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}
