import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cluster } from "../../cluster/node/cluster.ts";
import { runOn, startOn } from "../../cluster/node/machine.ts";
import { applyYaml } from "../../cluster/objects.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";

const main = fileURLToPath(new URL("../../../local/appliance/main.ts", import.meta.url));

/** One of the addresses outside the cluster. */
const address = "192.0.2.10";
/** What a bridge's source says of its CA. */
export const applianceCa = { kind: "ConfigMap", name: "appliance-ca", key: "ca.crt" } as const;

export interface Appliance extends AsyncDisposable {
  /** A bridge's source that it is. */
  readonly source: {
    readonly name: string;
    readonly type: "Quantis";
    readonly url: string;
    readonly caRef: typeof applianceCa;
    readonly simulated: true;
  };
}

/**
 * A simulated appliance outside the cluster, behind the node.
 * @param namespace gets its CA as a ConfigMap
 * @param port nobody else's on the cluster
 */
export async function startAppliance(
  cluster: Cluster,
  namespace: string,
  port: number,
): Promise<Appliance> {
  const { machine } = cluster;
  const authority = await makeAuthority("appliance");
  const { certificate, key } = await authority.issue({ names: [address] });
  const [certificateFile, keyFile] = [
    join(machine.folder, `appliance-${port}.crt`),
    join(machine.folder, `appliance-${port}.key`),
  ];
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const files = ["--certificate", certificateFile, "--key", keyFile];
  const command = [process.execPath, main, "--listen", `${address}:${port}`, ...files];
  const appliance = await startOn(machine, `appliance-${port}`, command, machine.outside);
  const data = { "ca.crt": authority.certificate };
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: applianceCa.name },
    data,
  };
  await applyYaml(cluster, JSON.stringify(configMap), { namespace });
  const url = `https://${address}:${port}`;
  const info = `${url}/api/2.0/firmwareinfo`;
  await eventually(async () => {
    await appliance.assertRunning();
    return runOn(machine, ["curl", "--silent", "--insecure", "--max-time", "2", info]).then(
      () => true,
      () => false,
    );
  }, 180_000);
  return {
    source: { name: "appliance", type: "Quantis", url, caRef: applianceCa, simulated: true },
    [Symbol.asyncDispose]: () => appliance.kill(),
  };
}
