import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../endToEnd/helpers/ports.ts";

/** Where a control plane runs. */
export interface Place {
  /** For its files. */
  readonly folder: string;
  /** For its servers' logs. */
  readonly logs: string;
  /** The API server's. */
  readonly address: string;
  readonly ports: { readonly api: number; readonly etcd: number; readonly peer: number };
  /** What a command is put behind to run there. */
  readonly entry: readonly string[];
  /** Flags that only servers there have. */
  readonly flags: {
    readonly apiServer: readonly string[];
    readonly controllerManager: readonly string[];
  };
  /** What is left to do once the servers are gone. */
  readonly cleanup: readonly string[];
}

/** On this machine's loopback, on free ports, with a new folder. */
export async function onLoopback(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "qrng-bridge-cluster-"));
  return {
    folder,
    logs: folder,
    address: "127.0.0.1",
    ports: { api: await freePort(), etcd: await freePort(), peer: await freePort() },
    entry: [],
    flags: {
      // A loopback address may not be the endpoint of the Service `kubernetes`.
      apiServer: ["--endpoint-reconciler-type=none"],
      controllerManager: [],
    },
    cleanup: ["rm", "-rf", folder],
  };
}
