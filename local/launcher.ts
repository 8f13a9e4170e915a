import type { Bridge } from "../operator/bridge/schema.ts";
import { type Appliance, planAppliances } from "./appliances.ts";
import { describeRunning } from "./banner.ts";
import { readBridgeFile } from "./bridgeFile.ts";
import { Children } from "./children.ts";
import { openDirectory } from "./directory.ts";
import { LaunchError } from "./errors.ts";
import type { Options, Ports } from "./flags.ts";
import { takeLock } from "./lock.ts";
import { checkPorts, portTakenIn, type WantedPort } from "./ports.ts";
import { untilReady } from "./ready.ts";
import { loopback, type Site, startPrograms } from "./start.ts";

/** What an earlier launcher that was killed left needs to end, grace included. */
const takeOverMilliseconds = 3_000;
/** From the start until it is printed what runs, random bytes or not; longer where starting was. */
const readyMilliseconds = 4_000;
const leastReadyMilliseconds = 500;

export interface LaunchDeps {
  readonly print: (text: string) => void;
  /** Whether secrets may be printed: to a person, not to a file. */
  readonly isTerminal: boolean;
  /** Stops the programs in their order. */
  readonly stop: AbortSignal;
  /** Ends them at once. */
  readonly kill: AbortSignal;
}

/**
 * Runs a bridge on this machine until `stop` aborts: simulated appliances, gateway, collector, each
 * a process of its own. None is left when this ends, whichever way.
 * @throws ConfigError when the bridge or a file is wrong
 * @throws LaunchError when a port is taken or a program ends
 */
export async function launch(options: Options, deps: LaunchDeps): Promise<void> {
  const late = performance.now() + readyMilliseconds;
  const file = await readBridgeFile(options.file);
  const appliances = planAppliances(file.bridge, options.ports.appliance);
  const wanted = wantedPorts(file.bridge, appliances, options.ports);
  const directory = await openDirectory(options.dir);
  await using lock = await takeLock(directory.lock);
  await checkPorts(wanted, lock.takenOver ? takeOverMilliseconds : 0);
  const children = new Children();
  deps.kill.addEventListener("abort", () => children.kill(), { once: true });
  const over = new AbortController();
  const stop = AbortSignal.any([deps.stop, over.signal]);
  const site = { options, file, appliances, directory, children };
  const running = run(site, late, { ...deps, stop });
  try {
    await children.watch(Promise.race([running, aborted(stop)]));
    deps.print("\nstopping\n");
  } catch (error) {
    const taken = error instanceof LaunchError ? portTakenIn(error.message, wanted) : undefined;
    throw taken ?? error;
  } finally {
    over.abort();
    await children[Symbol.asyncDispose]();
    // What was being started still writes its files: the folder is in use until that has ended.
    await running.catch(() => undefined);
  }
}

/** @param late monotonic milliseconds when random bytes are no longer waited for */
async function run(site: Site, late: number, { print, isTerminal, stop }: LaunchDeps) {
  const { apiKey, ...started } = await startPrograms(site);
  const left = Math.max(leastReadyMilliseconds, Math.round(late - performance.now()));
  const patience = AbortSignal.any([AbortSignal.timeout(left), stop]);
  const flowing = await untilReady(started.management, patience);
  const running = {
    ...started,
    file: site.options.file,
    simulated: site.appliances.map(({ source }) => source),
    apiKeyFile: site.directory.apiKey,
    apiKey: isTerminal ? apiKey : undefined,
    logs: site.directory.logs,
    flowing,
  };
  if (!stop.aborted) print(describeRunning(running));
  await aborted(stop);
}

function wantedPorts(
  { spec }: Bridge,
  appliances: readonly Appliance[],
  ports: Ports,
): WantedPort[] {
  const push = { host: loopback, port: ports.push, flag: "--push-port" };
  return [
    { host: loopback, port: ports.api, flag: "--port" },
    ...(spec.topology === "Direct" ? [] : [push]),
    { host: loopback, port: ports.management, flag: "--management-port" },
    ...appliances.map(({ host, port }) => ({ host, port, flag: "--appliance-port" })),
  ];
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
