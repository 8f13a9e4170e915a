import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { loadCore } from "./pin.ts";

const run = promisify(execFile);

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds that each connection waits before each request. */
  readonly pause?: number;
}

export interface Measured {
  /** Answers a second. */
  readonly rate: number;
  /** Bytes a second, heads included. */
  readonly throughput: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Load from wrk, with one thread on the load's core.
 * @param script of wrk: what is asked for, or how connections wait
 * @throws when an answer was an error, or none came
 */
export async function wrk(load: Load, script?: string): Promise<Measured> {
  const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => [
    "-H",
    `${name}: ${value}`,
  ]);
  const args = [
    ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--latency"],
    headers,
    script === undefined ? [] : ["-s", script],
    [load.url],
    load.pause === undefined ? [] : ["--", String(load.pause)],
  ].flat();
  const { stdout } = await run("taskset", ["--cpu-list", String(loadCore), "wrk", ...args]);
  return parse(stdout);
}

/** Whether wrk is there. */
export async function hasWrk(): Promise<boolean> {
  try {
    await run("sh", ["-c", "command -v wrk && command -v taskset"]);
    return true;
  } catch {
    return false;
  }
}

/** Of wrk's report, for people. */
export function parse(report: string): Measured {
  const errors = /^\s*(?:Non-2xx|Socket errors).*$/m.exec(report)?.[0];
  if (errors !== undefined) throw new Error(`the load met errors:${errors}`);
  const field = (pattern: RegExp): string => {
    const found = pattern.exec(report)?.[1];
    if (found === undefined) throw new Error(`wrk's report has no ${pattern.source}:\n${report}`);
    return found;
  };
  return {
    rate: Number(field(/Requests\/sec:\s+([\d.]+)/)),
    throughput: bytes(field(/Transfer\/sec:\s+([\d.]+[KMGT]?B)/)),
    p50: milliseconds(field(/^\s*50%\s+([\d.]+[mu]?s)/m)),
    p99: milliseconds(field(/^\s*99%\s+([\d.]+[mu]?s)/m)),
  };
}

function bytes(text: string): number {
  const [, digits, unit = ""] = /^([\d.]+)([KMGT]?)B$/.exec(text) ?? [];
  return Number(digits) * 1024 ** ["", "K", "M", "G", "T"].indexOf(unit);
}

function milliseconds(text: string): number {
  const [, digits, unit = ""] = /^([\d.]+)([mu]?s)$/.exec(text) ?? [];
  return Number(digits) * ({ us: 0.001, ms: 1, s: 1_000 }[unit] ?? NaN);
}
