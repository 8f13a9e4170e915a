import { fileURLToPath } from "node:url";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { images } from "../../cluster/node/images.ts";
import { runOn } from "../../cluster/node/machine.ts";
import { createNamespace, installCrds } from "../../cluster/objects.ts";
import { program } from "../../cluster/programs.ts";
import { chart, release } from "../../operatorCluster/chart/helm.ts";
import { restricted } from "./pods.ts";

const crd = fileURLToPath(new URL("../../../crds/qrngbridge.yaml", import.meta.url));

export interface InstalledOperator extends AsyncDisposable {
  readonly namespace: string;
}

/** The chart in a new namespace, with this checkout's images, for the bridges of other namespaces. */
export async function installOperator(
  cluster: Cluster,
  namespaces: readonly string[],
): Promise<InstalledOperator> {
  // Apart from the release: the definition stays for the other test files.
  await installCrds(cluster, [crd]);
  const namespace = await createNamespace(cluster, "qrng-system", restricted);
  const helm = await helmIn(cluster, namespace);
  const values = [...releaseValues(images, namespaces), "--set", "crds.install=false"];
  await helm("install", release, chart, "--wait", "--timeout=180s", ...values);
  return {
    namespace,
    [Symbol.asyncDispose]: async () => {
      await helm("uninstall", release);
      await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
    },
  };
}

/** Runs helm on the node, as the admin, in a namespace. */
export async function helmIn(
  { machine, adminKubeConfig }: Cluster,
  namespace: string,
): Promise<(...args: string[]) => Promise<string>> {
  const env = [`HOME=${machine.folder}`, `KUBECONFIG=${adminKubeConfig}`];
  const binary = await program("helm");
  return (...args) => runOn(machine, ["env", ...env, binary, ...args, "--namespace", namespace]);
}

/** Arguments of helm: the node's images, by their tags, and whose bridges are looked after. */
export function releaseValues(
  images: Readonly<Record<string, string>>,
  namespaces: readonly string[],
): string[] {
  const values = [
    "images.registry=localhost",
    `bridges.namespaces={${namespaces.join(",")}}`,
    ...Object.entries(images).flatMap(([name, image]) => {
      const [, repository = "", tag = ""] = /^localhost\/(.+):(.+)$/.exec(image) ?? [];
      return [`images.${name}.repository=${repository}`, `images.${name}.tag=${tag}`];
    }),
  ];
  return values.flatMap((value) => ["--set", value]);
}
