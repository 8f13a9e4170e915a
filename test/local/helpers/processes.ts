import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { promisify } from "node:util";
import { eventually } from "../../helpers/eventually.ts";

export interface ProcessLine {
  readonly pid: number;
  readonly command: string;
}

/** The processes whose command line names this folder, so that parallel tests stay apart. */
export async function processesOf(folder: string): Promise<ProcessLine[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,args="]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(folder))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));
}

/** The one process of a folder that node runs from this script. */
export async function processOf(folder: string, script: string): Promise<number> {
  const isIt = new RegExp(`node \\S*\\b${script} `);
  const found = (await processesOf(folder)).filter(({ command }) => isIt.test(command));
  if (found.length === 1) return found[0]!.pid;
  throw new Error(`${found.length} processes run ${script}`);
}

/** Waits until no process of the folder is left. */
export async function allGone(folder: string, milliseconds?: number): Promise<void> {
  await eventually(async () => (await processesOf(folder)).length === 0, milliseconds);
}

/** Ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Whether a port can be listened on, which it cannot while anybody else does. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", () => resolve(false));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}
