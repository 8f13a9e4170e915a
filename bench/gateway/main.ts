import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import { chartOf } from "./chart.ts";
import { measureDraws, measureLatency, type Effort } from "./draws.ts";
import { measureGrowth } from "./growth.ts";
import { measurePath } from "./path.ts";
import { measureMemory } from "./memory.ts";
import { loadCore, pin } from "./pin.ts";
import { measurePushes } from "./pushes.ts";
import { measureReplicas } from "./replicas.ts";
import { fallenBehind, tableOf, tolerance, type Report, type Row } from "./report.ts";
import { bundleServers, type Bundles } from "./servers.ts";
import { measureStartUp } from "./startUp.ts";
import { hasWrk } from "./wrk.ts";

const usage = `npm run bench -- [--part NAME]... [--rounds N] [--seconds N] [--save | --gate]
       npm run bench -- --memory [--minutes N]
Measures the programs, bundled as users run them: one core for the program, load from another, by
turns with what it is compared with. Parts: draws, latency, pushes, path, start-up, growth, replicas;
all of them when none is named (9 minutes).
--rounds   counted rounds (5); one more warms up
--seconds  of each round (2)
--memory   in place of the parts: the gateway's memory at full rate, for --minutes (10)
--save     writes docs/performance/gateway.json and gateway.svg
--gate     compares with the recorded ratios, and fails when one is more than ${tolerance * 100} % lower`;

const parts: Readonly<Record<string, (bundles: Bundles, effort: Effort) => Promise<Row | Row[]>>> =
  {
    draws: measureDraws,
    latency: measureLatency,
    pushes: measurePushes,
    path: measurePath,
    "start-up": measureStartUp,
    growth: measureGrowth,
    replicas: measureReplicas,
  };

const folder = new URL("../../docs/performance/", import.meta.url);
const recordedFile = new URL("gateway.json", folder);
const recordedReport = z.custom<Report>(
  (value) => z.object({ rows: z.array(z.object({ name: z.string() })) }).safeParse(value).success,
);

interface Command extends Omit<Effort, "say"> {
  readonly names: readonly string[];
  /** Seconds of full load, in place of the parts. */
  readonly memory: number | undefined;
  readonly save: boolean;
  readonly gate: boolean;
}

/** @returns undefined when the command line is not as the usage says */
function parseCommand(args: string[]): Command | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        part: { type: "string", multiple: true, default: [] },
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "2" },
        memory: { type: "boolean", default: false },
        minutes: { type: "string", default: "10" },
        save: { type: "boolean", default: false },
        gate: { type: "boolean", default: false },
      },
    });
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
    const minutes = Number(values.minutes);
    const { part, save, gate } = values;
    const isRight =
      [rounds, seconds, minutes].every(
        (value) => Number.isInteger(value) && value > 0 && value <= 1_000,
      ) &&
      part.every((name) => Object.hasOwn(parts, name)) &&
      [save, gate, values.memory].filter(Boolean).length <= 1 &&
      !(values.memory && part.length > 0);
    if (!isRight) return undefined;
    const names = part.length === 0 ? Object.keys(parts) : part;
    return { names, rounds, seconds, memory: values.memory ? minutes * 60 : undefined, save, gate };
  } catch {
    return undefined; // an option that there is not
  }
}

/** What is missing on this machine, as a sentence. */
async function missing(): Promise<string | undefined> {
  if (!(await hasWrk())) return "needs wrk and taskset: apt-get install wrk util-linux";
  if (availableParallelism() < 2) return "needs two processors, one for the load";
  return undefined;
}

async function measure({ names, memory, ...effort }: Command): Promise<Report> {
  const load = loadavg()[0] ?? NaN;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  pin(process.pid, loadCore);
  say("bundles the programs");
  await using bundles = await bundleServers();
  const rows: Row[] = [];
  if (memory !== undefined) rows.push(await measureMemory(bundles, { seconds: memory, say }));
  else
    for (const name of names)
      rows.push(...[await parts[name]!(bundles, { ...effort, say })].flat());
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
      node: process.version,
      load,
    },
    rows,
  };
}

async function run(command: Command): Promise<void> {
  const problem = await missing();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
    return;
  }
  const report = await measure(command);
  process.stdout.write(`${tableOf(report)}\n`);
  if (command.save) {
    await mkdir(folder, { recursive: true });
    await writeFile(recordedFile, `${JSON.stringify(report, undefined, 2)}\n`);
    await writeFile(new URL("gateway.svg", folder), chartOf(report));
  }
  if (command.gate) {
    const recorded = recordedReport.parse(JSON.parse(await readFile(recordedFile, "utf8")));
    const slower = fallenBehind(report, recorded);
    for (const line of slower) process.stdout.write(`slower than recorded: ${line}\n`);
    if (slower.length > 0) process.exitCode = 1;
  }
}

const command = parseCommand(process.argv.slice(2));
if (command === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  await run(command);
}
