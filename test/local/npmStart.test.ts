import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { makeFolder } from "../helpers/folder.ts";
import { drawBytes, isComplete } from "./helpers/banner.ts";
import { anyPorts } from "./helpers/launched.ts";
import { allGone, freePorts, isPortFree, processesOf, processOf } from "./helpers/processes.ts";

const root = join(import.meta.dirname, "../..");
const direct = [process.execPath, "local/main.ts"];
const viaNpm = ["npm", "start", "--silent", "--"];

interface Run {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Exit code or signal. */
  readonly end: Promise<unknown>;
}

/** In a process group of its own, as a terminal's foreground job is. */
function run(command: readonly string[], args: readonly string[]): Run {
  const [program = "", ...first] = command;
  const child = spawn(program, [...first, ...args], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const end = once(child, "close").then(([code, signal]: unknown[]) => code ?? signal);
  return { process: child, output: () => output, end };
}

async function untilUp({ output, end }: Run): Promise<string> {
  const ended = end.then((how) => Promise.reject(new Error(`ended (${String(how)}): ${output()}`)));
  await Promise.race([eventually(() => isComplete(output())), ended]);
  return output();
}

/** As the terminal does at Ctrl-C. */
function interrupt({ process: child }: Run): void {
  process.kill(-child.pid!, "SIGINT");
}

/** Flags for ports that are free now, so that a second run can have the very same. */
async function fixedPorts(): Promise<{ ports: number[]; flags: string[] }> {
  const ports = await freePorts(4);
  const names = ["--port", "--push-port", "--management-port", "--appliance-port"];
  return { ports, flags: names.flatMap((name, index) => [name, `${ports[index]}`]) };
}

const allFree = async (ports: readonly number[]): Promise<boolean> =>
  (await Promise.all(ports.map(isPortFree))).every(Boolean);

test("Ctrl-C ends all with exit code 0, and the same start works at once", async () => {
  await using folder = await makeFolder();
  const { ports, flags } = await fixedPorts();
  const drawn = new Set<string>();
  for (let round = 0; round < 2; round++) {
    const started = run(direct, ["--dir", folder.at("dir"), ...flags]);
    drawn.add(await drawBytes(await untilUp(started)));
    interrupt(started);
    expect(await started.end).toBe(0);
    expect(started.output()).toContain("stopping");
    expect(await processesOf(folder.path)).toEqual([]);
    expect(await allFree(ports)).toBe(true);
  }
  expect(drawn.size).toBe(2);
});

test("the same through npm, whose Ctrl-C comes twice", async () => {
  await using folder = await makeFolder();
  const { ports, flags } = await fixedPorts();
  const started = run(viaNpm, ["--dir", folder.at("dir"), ...flags]);
  const text = await untilUp(started);
  expect(text).toContain("SIMULATED appliance: not random hardware");
  expect(await drawBytes(text)).not.toBe(await drawBytes(text));
  interrupt(started);
  await started.end;
  await allGone(folder.path, 3_000);
  expect(await allFree(ports)).toBe(true);
});

test("npm ended by a signal of its own takes all with it", async () => {
  await using folder = await makeFolder();
  const started = run(viaNpm, ["--dir", folder.at("dir"), ...anyPorts]);
  await untilUp(started);
  started.process.kill("SIGTERM");
  await allGone(folder.path);
});

test("a launcher that is killed leaves nothing, and the same start works at once", async () => {
  await using folder = await makeFolder();
  const { ports, flags } = await fixedPorts();
  const args = ["--dir", folder.at("dir"), ...flags];
  const killed = run(direct, args);
  await untilUp(killed);
  killed.process.kill("SIGKILL");
  await killed.end;
  const again = run(direct, args);
  await drawBytes(await untilUp(again));
  expect(await processesOf(folder.path)).toHaveLength(4);
  again.process.kill("SIGKILL");
  await allGone(folder.path);
  expect(await allFree(ports)).toBe(true);
});

test("a launcher that is killed while it starts leaves nothing", async () => {
  await using folder = await makeFolder();
  for (const milliseconds of [300, 450, 600, 900, 1200]) {
    const started = run(direct, ["--dir", folder.at(`dir-${milliseconds}`), ...anyPorts]);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    started.process.kill("SIGKILL");
  }
  await allGone(folder.path);
});

test("a second Ctrl-C ends what does not stop, with exit code 1", async () => {
  await using folder = await makeFolder();
  const started = run(direct, ["--dir", folder.at("dir"), ...anyPorts]);
  await untilUp(started);
  process.kill(await processOf(folder.path, "gateway/main.ts"), "SIGSTOP");
  interrupt(started);
  await new Promise((resolve) => setTimeout(resolve, 700));
  interrupt(started);
  expect(await started.end).toBe(1);
  expect(await processesOf(folder.path)).toEqual([]);
});

test("help, and errors that say what to do", async () => {
  await using folder = await makeFolder();
  const outcome = async (...args: string[]): Promise<[unknown, string]> => {
    const started = run(direct, args);
    return [await started.end, started.output()];
  };
  expect(await outcome("--help")).toEqual([0, expect.stringContaining("--management-port N")]);
  expect(await outcome("--prot", "1")).toEqual([2, "--prot: unknown flag; did you mean --port?\n"]);
  await writeFile(folder.at("my.yaml"), "kind: QrngBridge\nspec: {source: []}\n");
  const [code, output] = await outcome("--file", folder.at("my.yaml"), "--dir", folder.at("dir"));
  expect(code).toBe(2);
  expect(output).toContain("my.yaml:2: spec.source: unknown key; did you mean sources?\n");
  expect(await outcome("--file", folder.at("none.yaml"))).toEqual([
    2,
    `${folder.at("none.yaml")}: cannot be read (ENOENT)\n`,
  ]);
});
