import { fileURLToPath } from "node:url";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { createNamespace, installCrds } from "../../cluster/objects.ts";
import { eventually } from "../../helpers/eventually.ts";
import { inNamespace } from "./bridge.ts";

const crd = fileURLToPath(new URL("../../../crds/qrngbridge.yaml", import.meta.url));

/** A namespace of its own in a cluster that knows QrngBridges. */
export async function newScene(cluster: ControlPlaneAccess, prefix: string) {
  await installCrds(cluster, [crd]);
  const namespace = await createNamespace(cluster, prefix);
  return { cluster, namespace, ...inNamespace(cluster, namespace) };
}

export type Scene = Awaited<ReturnType<typeof newScene>>;

/** Waits until the newest spec of a bridge is applied, then says that its pods run. */
export async function settleBridge(scene: Scene, name: string): Promise<void> {
  await eventually(async () => {
    const reason = (await scene.conditionOf(name, "Reconciling"))?.reason;
    return reason === "RollingOut" || reason === "UpToDate";
  }, 60_000);
  for (const program of ["collector", "gateway"]) {
    if ((await scene.get("deployment", `${name}-${program}`)) !== undefined) {
      await scene.rollOut(`${name}-${program}`);
    }
  }
  await scene.reasonIs(name, "Reconciling", "UpToDate");
}

/** What a Secret holds, as text. */
export async function secretData(scene: Scene, name: string): Promise<Record<string, string>> {
  const { data = {} } = (await scene.get("secret", name)) ?? {};
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
  );
}
