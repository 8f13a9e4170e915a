import { parseArgs } from "node:util";
import { ConfigError } from "./errors.ts";

/**
 * The command line of the collector and the gateway: `--config FILE`, or `--help`.
 * @returns the config's path
 * @throws ConfigError for anything else
 */
export function parseProgramArguments(program: string, args: readonly string[]): string {
  const usage = `usage: npm run ${program} -- --config FILE\nThe file's fields: ${program}/README.md`;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: "string", short: "c" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    if (values.config !== undefined) return values.config;
  } catch {
    // unknown options: the usage says it
  }
  throw new ConfigError(usage);
}
