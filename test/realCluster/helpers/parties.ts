import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Cluster } from "../../cluster/node/cluster.ts";
import type { Attempts, Opened } from "../../fixtures/party.ts";
import { eventually } from "../../helpers/eventually.ts";

const script = fileURLToPath(new URL("../../fixtures/party.ts", import.meta.url));

/** A process in the network of a pod, or outside, which listens there and connects from there. */
export interface PartyProcess extends AsyncDisposable {
  attempt(attempts: Attempts): Promise<Opened>;
}

/** What a command is put behind to run in a pod's network, with its address and its policies. */
export async function networkOf(
  { kubectl, machine }: Cluster,
  namespace: string,
  name: string,
): Promise<readonly string[]> {
  const get = ["get", "pod", name, "--namespace", namespace, "--output=jsonpath={.metadata.uid}"];
  const uid = await kubectl(get);
  const files = `/sys/fs/cgroup/{pids/,}${machine.cgroup}/**/pod${uid}/*/cgroup.procs`;
  const pid = await eventually(() => {
    const listed = globSync(files).flatMap((file) => readFileSync(file, "utf8").split("\n"));
    return listed.find((line) => line !== "");
  });
  return ["nsenter", "--target", pid, "--net"];
}

/** Resolves when it listens on the ports. @param entry such as `networkOf` gives */
export async function startParty(
  entry: readonly string[],
  ports: readonly number[],
): Promise<PartyProcess> {
  const [command = "", ...args] = [...entry, process.execPath, script, ...ports.map(String)];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await nextLine(lines, child);
  return {
    attempt: async (attempts) => {
      child.stdin.write(`${JSON.stringify(attempts)}\n`);
      const line = await nextLine(lines, child);
      return z.record(z.string(), z.array(z.string())).parse(JSON.parse(line));
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

async function nextLine(lines: AsyncIterator<string>, child: ChildProcess): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`a party ended with ${child.exitCode}`);
  return value;
}
