import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Identity, makeAuthority, type Wanted } from "../helpers/certificates.ts";

/** The users of the control plane itself, by the names that RBAC knows. */
export interface Pki {
  /** PEM of the CA of the API server and its users. */
  readonly ca: string;
  readonly admin: Identity;
  readonly controllerManager: Identity;
  /** For another user or server of the cluster. */
  issue(wanted: Wanted): Promise<Identity>;
}

/** How pods know the API server: the first address of the Services, and its names. */
const apiServerNames = [
  "localhost",
  "10.96.0.1",
  "kubernetes.default.svc",
  "kubernetes.default",
  "kubernetes",
];

/** The API server, to a kubelet. */
const kubeletClient = { subject: "kube-apiserver-kubelet-client", use: "clientAuth" } as const;

/**
 * Writes what the servers read: ca.crt, apiserver.*, apiserver-kubelet.*, etcd-ca.crt, etcd.*,
 * etcd-client.*, and sa.key and sa.pub, which sign and verify ServiceAccount tokens; and admin.* for
 * who reads as the admin. etcd has a CA of its own: a user of the API must not reach the store behind
 * it.
 */
export async function writePki(folder: string, addresses: readonly string[]): Promise<Pki> {
  const [users, store] = await Promise.all([makeAuthority("kubernetes"), makeAuthority("etcd")]);
  const write = (name: string, text: string): Promise<void> =>
    writeFile(join(folder, name), text, { mode: 0o600 });
  const writeIdentity = async (name: string, { certificate, key }: Identity): Promise<void> => {
    await write(`${name}.crt`, certificate);
    await write(`${name}.key`, key);
  };
  await write("ca.crt", users.certificate);
  await write("etcd-ca.crt", store.certificate);
  const names = [...addresses, ...apiServerNames];
  await writeIdentity("apiserver", await users.issue({ names }));
  await writeIdentity("apiserver-kubelet", await users.issue(kubeletClient));
  await writeIdentity("etcd", await store.issue());
  await writeIdentity("etcd-client", await store.issue({ use: "clientAuth" }));
  const tokens = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await write("sa.key", tokens.privateKey.export({ type: "pkcs8", format: "pem" }));
  await write("sa.pub", tokens.publicKey.export({ type: "spki", format: "pem" }));
  const admin = await users.issue({
    subject: "admin",
    organization: "system:masters",
    use: "clientAuth",
  });
  await writeIdentity("admin", admin);
  return {
    ca: users.certificate,
    admin,
    controllerManager: await users.issue({
      subject: "system:kube-controller-manager",
      use: "clientAuth",
    }),
    issue: (wanted) => users.issue(wanted),
  };
}
