import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Ended } from "../../helpers/child.ts";
import { eventually } from "../../helpers/eventually.ts";

const main = fileURLToPath(new URL("../../../operator/main.ts", import.meta.url));

export interface OperatorProcess extends AsyncDisposable {
  /** Waits for a message of its log. */
  says(message: string): Promise<unknown>;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** The operator as it is run, with its own flags. */
export function startOperatorProcess(flags: Readonly<Record<string, string>>): OperatorProcess {
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
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
