import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundleFile } from "../../../images/bundle.ts";
import type { Ended } from "../../helpers/child.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";

const main = fileURLToPath(new URL("../../../operator/main.ts", import.meta.url));

export interface OperatorBundle extends AsyncDisposable {
  /** A file. */
  readonly main: string;
}

/** The operator in one file, as its image has it: it starts in a third of the time. */
export async function bundleOperator(): Promise<OperatorBundle> {
  const folder = await makeFolder();
  await bundleFile("operator/main.ts", folder.at("operator"));
  await copyFile("package.json", folder.at("package.json"));
  return {
    main: folder.at("operator", "main.js"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

export interface OperatorProcess extends AsyncDisposable {
  /** Waits for a message of its log. */
  says(message: string): Promise<unknown>;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** The operator as it is run, with its own flags. @param program its sources when left out */
export function startOperatorProcess(
  flags: Readonly<Record<string, string>>,
  program: Pick<OperatorBundle, "main"> = { main },
): OperatorProcess {
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const child = spawn(process.execPath, [program.main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close") as Promise<[Ended["code"], Ended["signal"]]>;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const kill = async (signal: NodeJS.Signals): Promise<Ended> => {
    child.kill(signal);
    const [code, by] = await ended;
    return { code, signal: by };
  };
  return {
    output: () => output,
    says: (message) => eventually(() => output.includes(`"message":"${message}"`), 60_000),
    kill,
    [Symbol.asyncDispose]: async () => void (await kill("SIGKILL")),
  };
}
