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
export const applianceAddress = "192.0.2.10";
/** What a bridge's source says of it. */
export const applianceCa = { kind: "ConfigMap", name: "appliance-ca", key: "ca.crt" } as const;

/**
 * The simulated appliance outside the cluster, behind the node.
 * @param namespace gets its CA as a ConfigMap
 */
export async function startAppliance(
  cluster: Cluster,
  namespace: string,
): Promise<AsyncDisposable> {
  const { machine } = cluster;
  const authority = await makeAuthority("appliance");
  const { certificate, key } = await authority.issue({ names: [applianceAddress] });
  const [certificateFile, keyFile] = [
    join(machine.folder, "appliance.crt"),
    join(machine.folder, "appliance.key"),
  ];
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const files = ["--certificate", certificateFile, "--key", keyFile];
  const command = [process.execPath, main, "--listen", `${applianceAddress}:443`, ...files];
  const appliance = await startOn(machine, "appliance", command, machine.outside);
  const data = { "ca.crt": authority.certificate };
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: applianceCa.name },
    data,
  };
  await applyYaml(cluster, JSON.stringify(configMap), { namespace });
  const info = `https://${applianceAddress}/api/2.0/firmwareinfo`;
  await eventually(async () => {
    await appliance.assertRunning();
    return runOn(machine, ["curl", "--silent", "--insecure", "--max-time", "2", info]).then(
      () => true,
      () => false,
    );
  });
  return { [Symbol.asyncDispose]: () => appliance.kill() };
}
