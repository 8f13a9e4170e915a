import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../endToEnd/helpers/ports.ts";
import { eventually } from "../helpers/eventually.ts";
import { accessTo, type ControlPlaneAccess } from "./access.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { kubeConfig } from "./kubeConfig.ts";
import { program, type ProgramName } from "./programs.ts";
import { type Pki, writePki } from "./pki.ts";
import { apiServerArgs, auditArgs, controllerManagerArgs, etcdArgs } from "./servers.ts";

export interface ControlPlaneInit {
  /** Keeps a log of every request, for `auditEvents`. */
  readonly audit?: boolean;
}

/** A control plane of its own: etcd and kube-apiserver on loopback, gone when disposed. */
export interface ControlPlane extends ControlPlaneAccess, AsyncDisposable {
  /**
   * Garbage collection, the deletion of namespaces, Deployments. It learns of a new CRD within 30 s.
   * Resolves when its controllers work.
   */
  startControllerManager(): Promise<void>;
  /** From here on what the API server must ask the store for hangs, until it gives up. */
  pauseEtcd(): void;
  resumeEtcd(): void;
  /** SIGKILL; resolves when it is gone. */
  killApiServer(): Promise<void>;
  /** On the same port; resolves when it is ready. */
  restartApiServer(): Promise<void>;
}

/**
 * Resolves when /readyz says so, in seconds.
 * @throws with what to install, or with the end of a server's log when it does not come up
 */
export async function startControlPlane({
  audit = false,
}: ControlPlaneInit = {}): Promise<ControlPlane> {
  for (const name of ["etcd", "kube-apiserver", "kubectl"] as const) await program(name);
  const folder = await mkdtemp(join(tmpdir(), "qrng-bridge-cluster-"));
  const daemons = new Map<ProgramName, Daemon>();
  const stop = async (): Promise<void> => {
    await Promise.all([...daemons.values()].map((daemon) => daemon.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return await startServers(folder, daemons, audit, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServers(
  folder: string,
  daemons: Map<ProgramName, Daemon>,
  audit: boolean,
  stop: () => Promise<void>,
): Promise<ControlPlane> {
  const start = async (name: ProgramName, args: readonly string[]): Promise<Daemon> => {
    await daemons.get(name)?.kill();
    const [command, log] = [await program(name), join(folder, `${name}.log`)];
    const daemon = await startDaemon({ command, args, log, ...(name === "etcd" && { folder }) });
    daemons.set(name, daemon);
    return daemon;
  };
  const pki = await writePki(folder);
  const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${port}`;
  const etcd = await start("etcd", etcdArgs(folder, etcdPort, peerPort));
  const serving = [
    ...apiServerArgs(folder, port, etcdPort),
    ...(audit ? await auditArgs(folder) : []),
  ];
  const startApiServer = async (): Promise<void> => {
    const apiServer = await start("kube-apiserver", serving);
    await eventually(async () => {
      await Promise.all([etcd.assertRunning(), apiServer.assertRunning()]);
      return isReady(url, pki);
    }, 120_000);
  };
  await startApiServer();
  await writeFile(join(folder, "admin.yaml"), kubeConfig(url, pki.ca, pki.admin), { mode: 0o600 });
  const access = await accessTo({ url, folder });
  return {
    ...access,
    startControllerManager: async () => {
      const config = await access.kubeConfigFor(pki.controllerManager);
      const args = controllerManagerArgs(folder, config);
      const manager = await start("kube-controller-manager", args);
      const get = ["get", "serviceaccount", "default", "--ignore-not-found", "--output", "name"];
      // Its ServiceAccount controller makes one in every namespace.
      await eventually(async () => {
        await manager.assertRunning();
        return (await access.kubectl(get)) !== "";
      }, 60_000);
    },
    pauseEtcd: () => etcd.signal("SIGSTOP"),
    resumeEtcd: () => etcd.signal("SIGCONT"),
    killApiServer: async () => daemons.get("kube-apiserver")?.kill(),
    restartApiServer: startApiServer,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whether /readyz answers 200 to the admin. */
function isReady(url: string, { ca, admin }: Pki): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const identity = { ca, cert: admin.certificate, key: admin.key };
  const signal = AbortSignal.timeout(10_000);
  request(`${url}/readyz`, { ...identity, signal, agent: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode === 200);
  })
    .on("error", () => resolve(false))
    .end();
  return promise;
}
