import { parseArgs } from "node:util";
import { ConfigError } from "./errors.ts";

export interface ProgramArguments {
  /** The config's path. */
  readonly config: string;
  /** The program's own switches that were given. */
  readonly switches: ReadonlySet<string>;
}

/**
 * The command line of the collector and the gateway: `--config FILE`, `--help`, and switches.
 * @param switches of this program, each with what it does
 * @throws ConfigError for anything else
 */
export function parseProgramArguments(
  program: string,
  args: readonly string[],
  switches: Readonly<Record<string, string>> = {},
): ProgramArguments {
  const names = Object.keys(switches);
  const usage = [
    `usage: npm run ${program} -- --config FILE${names.map((name) => ` [--${name}]`).join("")}`,
    ...names.map((name) => `--${name}: ${switches[name]}`),
    `The file's fields: ${program}/README.md`,
  ].join("\n");
  const flag = { type: "boolean" } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string", short: "c" },
        help: { type: "boolean", short: "h" },
        ...Object.fromEntries(names.map((name) => [name, flag])),
      },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    const given = Object.keys(values).filter((name) => names.includes(name));
    if (values.config !== undefined) return { config: values.config, switches: new Set(given) };
  } catch {
    // unknown options: the usage says it
  }
  throw new ConfigError(usage);
}
