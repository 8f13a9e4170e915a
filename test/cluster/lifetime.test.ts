import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startFixture } from "../helpers/child.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startControlPlane } from "./controlPlane.ts";
import { startDaemon } from "./daemon.ts";

test("a disposed control plane leaves no process and no folder", async () => {
  const cluster = await startControlPlane();
  const { folder } = cluster.facts;
  expect(await commandsOf(folder)).toContainEqual(expect.stringContaining("kube-apiserver"));
  await cluster[Symbol.asyncDispose]();
  await eventually(async () => (await commandsOf(folder)).length === 0);
  expect(existsSync(folder)).toBe(false);
});

test.each(["SIGINT", "SIGKILL"] as const)("nor does one whose starter got %s", async (signal) => {
  await using starter = startFixture("controlPlane.ts");
  const folder = await eventually(() => starter.lines()[0]?.["folder"], 50_000);
  if (typeof folder !== "string") throw new Error(starter.output());
  for (const name of ["etcd", "kube-apiserver", "kube-controller-manager"])
    expect(await commandsOf(folder)).toContainEqual(expect.stringContaining(name));
  starter.process.kill(signal);
  await eventually(async () => (await commandsOf(folder)).length === 0);
  await eventually(() => !existsSync(folder));
});

test("a server that does not stay up is reported with the end of its log", async () => {
  await using folder = await makeFolder();
  const args = ["-c", "echo no space left >&2; exit 3"];
  const server = await startDaemon({ command: "sh", args, log: folder.at("log") });
  const report = await eventually(() => server.assertRunning().catch((error: unknown) => error));
  expect(report).toMatchObject({ message: "sh ended with 3:\nno space left" });
  await server.kill();
});

/** The command lines that name the folder, as each of its servers' does. */
async function commandsOf(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-ww", "-o", "args="]);
  return stdout.split("\n").filter((line) => line.includes(folder));
}
