import { parseArgs } from "node:util";
import { soakChaos } from "./chaos.ts";
import { soakFalseAlarms } from "./falseAlarms.ts";
import { soakGateway } from "./gateway.ts";
import type { SoakPart } from "./part.ts";

/** By the name that the command line has for it. */
const parts: Readonly<Record<string, SoakPart>> = {
  gateway: soakGateway,
  chaos: soakChaos,
  "false-alarms": soakFalseAlarms,
};

const usage = `npm run soak -- [${Object.keys(parts).join(" | ")}]… [--minutes N]
Runs each part for N minutes (10), or all of them one after the other, and ends with 1 when something
is wrong. gateway: full load; memory stays flat, no byte is missing. chaos: each program is killed,
stopped and cut off; no byte is served twice. false-alarms: the health tests on good bytes.`;

/** @returns undefined when the command line is not as the usage says */
function parseCommand(args: string[]): { names: string[]; minutes: number } | undefined {
  const options = { minutes: { type: "string", default: "10" } } as const;
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    const minutes = Number(values.minutes);
    const names = positionals.length === 0 ? Object.keys(parts) : positionals;
    const areParts = names.every((name) => Object.hasOwn(parts, name));
    return areParts && minutes > 0 && minutes <= 1440 ? { names, minutes } : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function soak(name: string, minutes: number): Promise<boolean> {
  const say = (line: string): void => print(`${name}  ${line}`);
  const { rows, problems } = await parts[name]!({ milliseconds: minutes * 60_000, say });
  const width = Math.max(...rows.map(([what]) => what.length));
  print(`\n${name}, ${minutes} minutes`);
  for (const [what, value] of rows) print(`  ${what.padEnd(width)}  ${value}`);
  for (const problem of problems) print(`  WRONG: ${problem}`);
  return problems.length === 0;
}

const command = parseCommand(process.argv.slice(2));
if (command === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  for (const name of command.names) {
    if (!(await soak(name, command.minutes))) process.exitCode = 1;
  }
}
