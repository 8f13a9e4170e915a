import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { parseFlags } from "../../../local/flags.ts";
import { launch } from "../../../local/launcher.ts";
import type { BridgeInput } from "../../../operator/bridge/schema.ts";
import { eventually } from "../../helpers/eventually.ts";
import { type Folder, makeFolder } from "../../helpers/folder.ts";
import { isComplete } from "./banner.ts";

export interface Launched extends AsyncDisposable {
  readonly folder: Folder;
  /** Where its keys and logs are. */
  readonly dir: string;
  /** What it has printed so far. */
  printed(): string;
  /** Resolves with that when all is up; rejects when the launch does. */
  up(): Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** How the launch ends. */
  readonly done: Promise<void>;
}

export const anyPorts = ["--port", "--push-port", "--management-port", "--appliance-port"].flatMap(
  (flag) => [flag, "0"],
);

/**
 * Launches a bridge from this process, on any free ports; the programs are processes as ever.
 * @param others documents that its file holds besides
 */
export async function launched(
  bridge: BridgeInput,
  args: readonly string[] = [],
  others: readonly object[] = [],
): Promise<Launched> {
  const folder = await makeFolder();
  const file = folder.at("bridge.yaml");
  const dir = folder.at("dir");
  await writeFile(file, [bridge, ...others].map((each) => stringify(each)).join("---\n"));
  const options = parseFlags([...anyPorts, "--file", file, "--dir", dir, ...args], folder.path);
  if (options === undefined) throw new Error("help asked for");
  const stop = new AbortController();
  const kill = new AbortController();
  let text = "";
  const print = (more: string): void => void (text += more);
  const signals = { stop: stop.signal, kill: kill.signal };
  const done = launch(options, { print, isTerminal: false, ...signals });
  done.catch(() => undefined); // told to those who wait for it
  const end = (): Promise<void> => {
    stop.abort();
    return done;
  };
  return {
    folder,
    dir,
    printed: () => text,
    up: async () => {
      await Promise.race([eventually(() => isComplete(text)), done]);
      return text;
    },
    stop: end,
    kill: () => {
      stop.abort();
      kill.abort();
      return done;
    },
    done,
    [Symbol.asyncDispose]: async () => {
      await end().catch(() => undefined);
      await folder[Symbol.asyncDispose]();
    },
  };
}
