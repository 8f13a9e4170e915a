import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/endToEnd/helpers/ports.ts";
import { type Child, startProgram } from "../../test/helpers/child.ts";
import { eventually } from "../../test/helpers/eventually.ts";
import type { Program } from "./program.ts";
import type { Histogram } from "./quantiles.ts";

/** What an operator has done since its start. */
export interface Counts {
  readonly reconciles: number;
  /** Answered or not, by method. */
  readonly requests: Readonly<Record<string, number>>;
  readonly reconcileTimes: Histogram;
  /** Keys in its queue and in work. */
  readonly open: number;
}

/** Where the operator finds the API server, as a pod does. */
export interface Pod {
  readonly url: string;
  /** With its ServiceAccount's files. */
  readonly folder: string;
}

/** The operator that is measured: the program itself, in a process of its own. */
export interface Subject extends AsyncDisposable {
  counts(): Promise<Counts>;
  /** Waits until so many more reconciles have ended than at `since`, and none is left. */
  done(since: Counts, reconciles: number): Promise<Counts>;
  /** MiB: resident now, and at most so far. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>;
  /** Seconds of processor time so far. */
  processorSeconds(): Promise<number>;
}

/** Milliseconds. */
const pollPause = 500;
/** Of /proc/PID/stat, on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Resolves when it leads and knows the cluster. */
export async function startSubject(
  program: Program,
  { url, folder }: Pod,
  flags: Readonly<Record<string, string>>,
): Promise<Subject> {
  const port = await freePort();
  const all = { "management-address": `127.0.0.1:${port}`, ...flags };
  const args = Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, value]);
  const server = new URL(url);
  const child = startProgram(program.file, [folder, ...args], {
    KUBERNETES_SERVICE_HOST: server.hostname,
    KUBERNETES_SERVICE_PORT: server.port,
    ...program.env,
  });
  await eventually(() => isUp(child) && hasBegun(child), 120_000);
  const counts = async (): Promise<Counts> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return readCounts(await response.text());
  };
  const proc = (file: string): Promise<string> =>
    readFile(`/proc/${child.process.pid}/${file}`, "utf8");
  return {
    counts,
    done: async (since, reconciles) => {
      for (;;) {
        const now = await counts();
        if (now.open === 0 && now.reconciles >= since.reconciles + reconciles) return now;
        if (child.process.exitCode !== null) throw new Error(`it has ended:\n${child.output()}`);
        await delay(pollPause); // a scrape takes the operator time as well
      }
    },
    memory: async () => {
      const status = await proc("status");
      const mebibytes = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
      return { now: mebibytes("VmRSS"), peak: mebibytes("VmHWM") };
    },
    processorSeconds: async () => {
      const stat = await proc("stat");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third on
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    [Symbol.asyncDispose]: async () => {
      child.process.kill("SIGTERM");
      await child.ended;
    },
  };
}

function isUp({ process, output }: Child): true {
  if (process.exitCode === null) return true;
  throw new Error(`the operator has ended:\n${output()}`);
}

function hasBegun(child: Child): boolean {
  return child.lines().some(({ message }) => message === "begins");
}

function readCounts(text: string): Counts {
  const series = text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
  const named = (name: string) => series.filter((each) => each.name === name);
  const sum = (name: string): number => named(name).reduce((total, { value }) => total + value, 0);
  const requests: Record<string, number> = {};
  for (const { labels, value } of named("rest_client_requests_total")) {
    const method = /method="(\w+)"/.exec(labels)?.[1] ?? "";
    requests[method] = (requests[method] ?? 0) + value;
  }
  return {
    reconciles: sum("controller_runtime_reconcile_total"),
    requests,
    reconcileTimes: named("controller_runtime_reconcile_time_seconds_bucket").map(
      ({ labels, value }) => {
        const bound = /le="([^"]+)"/.exec(labels)?.[1] ?? "";
        return [bound === "+Inf" ? Infinity : Number(bound), value] as const;
      },
    ),
    open: sum("workqueue_depth") + sum("controller_runtime_active_workers"),
  };
}
