import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { stringify } from "yaml";
import type { Announcement } from "../../../common/announce.ts";
import type { Folder } from "../../helpers/folder.ts";

/** Values by series as they stand in /metrics, such as `a_total{reason="b"}`. */
export type Metrics = ReadonlyMap<string, number>;

/** One life of a collector or gateway, in its own process. Disposing it is `kill -9`. */
export interface Program extends AsyncDisposable {
  /** Where it listens, `host:port`. */
  address(listener: Announcement["listener"]): string;
  /** What it has written so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code once it is gone; null after a signal. */
  readonly gone: Promise<number | null>;
  metrics(): Promise<Metrics>;
}

export interface LaunchOptions {
  readonly folder: Folder;
  /** The script, when it is not the program's own. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const listeners = { gateway: ["api", "management", "push"], collector: ["management"] };
let launches = 0;

/** Compiled code for the next start, which halves it. What is killed writes none, so `--help` does. */
const compiled = fileURLToPath(new URL("../../../node_modules/.cache/end-to-end", import.meta.url));
const compiling = new Map<string, Promise<unknown>>();

function compile(script: string): Promise<unknown> {
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled };
  const done =
    compiling.get(script) ?? promisify(execFile)(process.execPath, [script, "--help"], { env });
  compiling.set(script, done);
  return done;
}

/** Starts a program from a config file and waits until it listens. */
export async function launch(
  kind: "collector" | "gateway",
  config: object,
  { folder, entry = `../../../${kind}/main.ts`, env = {} }: LaunchOptions,
): Promise<Program> {
  const file = folder.at(`${kind}-${++launches}.yaml`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  const script = fileURLToPath(new URL(entry, import.meta.url));
  await compile(script);
  const child = spawn(process.execPath, [script, "--config", file], {
    env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const gone = once(child, "exit").then(([code]) => code as number | null);
  const addresses = new Map<string, string>();
  const { promise: up, resolve, reject } = Promise.withResolvers<void>();
  child.on("message", ({ listener, address }: Announcement) => {
    addresses.set(listener, address);
    if (listeners[kind].every((each) => addresses.has(each))) resolve();
  });
  void gone.then(() => reject(new Error(`${kind} ended before it listened:\n${output}`)));
  await up;

  const address = (listener: string): string => {
    const found = addresses.get(listener);
    if (found === undefined) throw new Error(`${kind} has no listener ${listener}`);
    return found;
  };
  return {
    address,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    gone,
    metrics: async () => {
      const answer = await fetch(`http://${address("management")}/metrics`);
      return parseMetrics(await answer.text());
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** @throws when there is no such series: a test must not take a misspelt name for zero */
export function valueOf(metrics: Metrics, series: string): number {
  const value = metrics.get(series);
  if (value === undefined) throw new Error(`no series ${series}`);
  return value;
}

/** The sum over all label values of one metric. */
export function totalOf(metrics: Metrics, name: string): number {
  const found = [...metrics].filter(([series]) => series.split("{")[0] === name);
  if (found.length === 0) throw new Error(`no metric ${name}`);
  return found.reduce((sum, [, value]) => sum + value, 0);
}

function parseMetrics(text: string): Metrics {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** Bytes that a collector holds, from its fetches to its pushes. */
export function heldBytes(collector: Metrics): number {
  return (
    valueOf(collector, "qrng_collector_buffer_bytes") + totalOf(collector, "qrng_source_held_bytes")
  );
}
