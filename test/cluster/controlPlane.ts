import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Identity, Wanted } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { accessTo, type ControlPlaneAccess } from "./access.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { kubeConfig } from "./kubeConfig.ts";
import { program, type ProgramName } from "./programs.ts";
import { onLoopback, type Place } from "./place.ts";
import { writePki } from "./pki.ts";
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
  /** A certificate by the CA that the API server trusts. */
  issue(wanted: Wanted): Promise<Identity>;
}

/**
 * Resolves when /readyz says so, in seconds.
 * @throws with what to install, or with the end of a server's log when it does not come up
 */
export async function startControlPlane({
  audit = false,
}: ControlPlaneInit = {}): Promise<ControlPlane> {
  const place = await onLoopback();
  try {
    return await startControlPlaneAt(place, { audit });
  } catch (error) {
    await rm(place.folder, { recursive: true, force: true });
    throw error;
  }
}

/** The same elsewhere than on loopback. */
export async function startControlPlaneAt(
  place: Place,
  { audit = false }: ControlPlaneInit = {},
): Promise<ControlPlane> {
  for (const name of ["etcd", "kube-apiserver", "kubectl"] as const) await program(name);
  const daemons = new Map<ProgramName, Daemon>();
  const stop = async (): Promise<void> => {
    // The store last: it cleans up after all.
    const { etcd, ...others } = Object.fromEntries(daemons);
    await Promise.all(Object.values(others).map((daemon) => daemon.kill()));
    await etcd?.kill();
  };
  try {
    return await startServers(place, daemons, audit, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServers(
  place: Place,
  daemons: Map<ProgramName, Daemon>,
  audit: boolean,
  stop: () => Promise<void>,
): Promise<ControlPlane> {
  const { folder, entry, flags } = place;
  const start = async (name: ProgramName, args: readonly string[]): Promise<Daemon> => {
    await daemons.get(name)?.kill();
    const [command = "", ...rest] = [...entry, await program(name), ...args];
    const log = join(place.logs, `${name}.log`);
    const cleanup = name === "etcd" ? place.cleanup : [];
    const daemon = await startDaemon({ command, args: rest, log, cleanup });
    daemons.set(name, daemon);
    return daemon;
  };
  const pki = await writePki(folder, [place.address]);
  const url = `https://${place.address}:${place.ports.api}`;
  await writeFile(join(folder, "admin.yaml"), kubeConfig(url, pki.ca, pki.admin), { mode: 0o600 });
  const access = await accessTo({ url, folder, entry });
  const etcd = await start("etcd", etcdArgs(place));
  const serving = [
    ...apiServerArgs(place),
    ...flags.apiServer,
    ...(audit ? await auditArgs(folder) : []),
  ];
  const startApiServer = async (): Promise<void> => {
    const apiServer = await start("kube-apiserver", serving);
    await eventually(async () => {
      await Promise.all([etcd.assertRunning(), apiServer.assertRunning()]);
      const ready = access.kubectl(["get", "--raw=/readyz", "--request-timeout=10s"]);
      return ready.then(
        (answer) => answer === "ok",
        () => false,
      );
    }, 120_000);
  };
  await startApiServer();
  return {
    ...access,
    startControllerManager: async () => {
      const config = await access.kubeConfigFor(pki.controllerManager);
      const args = [...controllerManagerArgs(folder, config), ...flags.controllerManager];
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
    issue: pki.issue,
    [Symbol.asyncDispose]: stop,
  };
}
