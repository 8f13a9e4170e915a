import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { kubeConfig } from "../../cluster/kubeConfig.ts";

/** The control plane whose ServiceAccounts' kubeconfigs lead through a relay or proxy. */
export function behind(
  cluster: ControlPlaneAccess,
  { url, ca = cluster.ca }: { readonly url: URL; readonly ca?: string },
): ControlPlaneAccess {
  return {
    ...cluster,
    kubeConfigFor: async (user) => {
      const file = join(cluster.facts.folder, `${randomUUID()}.yaml`);
      await writeFile(file, kubeConfig(url.origin, ca, user), { mode: 0o600 });
      return file;
    },
  };
}
