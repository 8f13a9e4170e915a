import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { accessTo, type ControlPlaneFacts } from "../cluster/access.ts";
import type { Cluster } from "../cluster/node/cluster.ts";
import { removeLeftovers } from "../cluster/node/leftovers.ts";
import { type Machine, startMachine, startOn } from "../cluster/node/machine.ts";
import { requireNode } from "../cluster/node/requirements.ts";
import { sharedCluster } from "../cluster/node/shared.ts";
import { applyYaml, createNamespace } from "../cluster/objects.ts";
import { startFixture } from "../helpers/child.ts";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { nodePod, restricted, runInPod, startPods } from "./helpers/pods.ts";
import { noTraces, tracesOf, wholeMachine } from "./helpers/traces.ts";

const shared = await sharedCluster();

/** Waits until nothing of a machine is left, and sees what it did to the one that it ran on. */
async function expectNothingOf(
  machine: Pick<Machine, "folder" | "cgroup">,
  before: Awaited<ReturnType<typeof wholeMachine>>,
): Promise<void> {
  const isGone = async (): Promise<boolean> =>
    Object.values(await tracesOf(machine)).every((left) => left.length === 0);
  await eventually(isGone, 180_000).catch(() => undefined); // what is left is shown next
  expect(await tracesOf(machine)).toEqual(noTraces);
  expect(await wholeMachine()).toEqual(before);
}

test("a policy that denies all blocks a connection, unless nothing enforces it", async () => {
  const before = await wholeMachine();
  await using starter = startFixture("cluster.ts", ...inject("images"));
  const ready = await eventually(() => starter.lines()[0], 240_000);
  const { facts, machine } = ready as { facts: ControlPlaneFacts; machine: Machine };
  const open: Cluster = { ...(await accessTo(facts)), machine };
  const own = await createNamespace(shared, "denial", restricted);
  const inOpen = await denied(open, await createNamespace(open, "denial", restricted));
  const inShared = await denied(shared, own);
  await eventually(async () => (await inShared()) === "silent\n", 180_000);
  expect(await inOpen()).toBe("open\n");
  await shared.kubectl(["delete", "namespace", own, "--wait=false"]);

  starter.process.kill("SIGKILL");
  await starter.ended;
  await expectNothingOf(machine, before);
});

/** Makes a policy that lets nobody reach a pod. @returns how an attempt to connect to it ends */
async function denied(cluster: Cluster, namespace: string): Promise<() => Promise<string>> {
  const script = `(await import("node:net")).createServer().listen(8080)`;
  const server = nodePod({ name: "server", namespace, script, labels: { app: "server" } });
  const client = { name: "client", namespace };
  await startPods(cluster, [nodePod(client), server]);
  const get = ["get", "pod", "server", "-n", namespace, "-o", "jsonpath={.status.podIP}"];
  const connect = `
    import net from "node:net";
    const socket = net.connect({ host: "${await cluster.kubectl(get)}", port: 8080 });
    socket.setTimeout(3000);
    socket.on("connect", () => console.log("open") ?? socket.destroy());
    socket.on("timeout", () => console.log("silent") ?? socket.destroy());
    socket.on("error", ({ code }) => console.log(code));
  `;
  const attempt = (): Promise<string> => runInPod(cluster, client, connect);
  await eventually(async () => (await attempt()) === "open\n", 180_000);
  const denial = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "deny", namespace },
    spec: { podSelector: { matchLabels: { app: "server" } }, policyTypes: ["Ingress"] },
  };
  await applyYaml(cluster, JSON.stringify(denial));
  return attempt;
}

test("a machine that is disposed takes all with it that was started on it", async () => {
  const before = await wholeMachine();
  const machine = await startMachine();
  await startOn(machine, "sleep", ["sleep", "infinity"]);
  await startOn(machine, "outside", ["sleep", "infinity"], machine.outside);
  expect((await tracesOf(machine)).processes).not.toEqual([]);
  await machine[Symbol.asyncDispose]();
  await expectNothingOf(machine, before);
});

test("a machine whose owner and watcher were killed is removed by the next", async () => {
  const before = await wholeMachine();
  await using owner = startFixture("machine.ts");
  const machine = (await owner.says("ready")) as { folder: string; cgroup: string };
  const record = JSON.parse(readFileSync(join(machine.folder, "machine.json"), "utf8")) as {
    machine: { pid: number };
  };
  const { pid } = record.machine;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  process.kill(Number(children[0]), "SIGKILL"); // the watcher
  owner.process.kill("SIGKILL");
  await owner.ended;
  expect((await tracesOf(machine)).folders).not.toEqual([]);
  await removeLeftovers();
  await expectNothingOf(machine, before);
});

test("a machine whose owner lives is left alone", async () => {
  await using machine = await startMachine();
  await removeLeftovers();
  expect(existsSync(machine.folder)).toBe(true);
});

test("what is missing is said by its Debian package, and that it takes root", async () => {
  await using folder = await makeFolder();
  const commands = ["buildah", "curl", "ip", "iptables", "nft", "npm", "nsenter", "runc"];
  for (const command of commands) writeFileSync(folder.at(command), "", { mode: 0o755 });
  await expect(requireNode(folder.path)).rejects.toThrow(
    "a node needs more programs; install them with: apt-get install clang-19 ipset",
  );
  await expect(requireNode(process.env["PATH"], 1000)).rejects.toThrow("run the suite as root");
});
